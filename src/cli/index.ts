#!/usr/bin/env bun
/** The `fsx` command: one file for each of its subcommands. */
import { Command, CommanderError } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { exactArguments } from "./arguments.ts";
import { addCp } from "./cp.ts";
import { addDoctor } from "./doctor.ts";
import { EXIT_USAGE, fail } from "./failure.ts";
import { printError, printRaw } from "./output.ts";
import { addStat } from "./stat.ts";

function makeProgram(): Command {
	const program = new Command("fsx")
		.description("File operations that other tools lack or do slowly.")
		.version(manifest.version, "-V, --version", "print the version")
		.exitOverride()
		.configureOutput({
			writeOut: printRaw,
			outputError: (text) => {
				const line = text
					.trim()
					.replace(/^error: /, "")
					.replace(/\.$/, "");
				printError(`fsx: ${line}; --help shows how it is called`);
			},
		});
	addCp(program);
	addStat(program);
	addDoctor(program);
	for (const command of program.commands) command.copyInheritedSettings(program);
	return program;
}

async function main(args: string[]): Promise<void> {
	try {
		await makeProgram().parseAsync(exactArguments(args), { from: "user" });
	} catch (error) {
		if (!(error instanceof CommanderError)) process.exitCode = fail(error, args.includes("--json"));
		else if (error.exitCode !== 0) process.exitCode = EXIT_USAGE;
	}
}

await main(process.argv.slice(2));
