import { type FilesystemName, mount } from "./mounts.ts";

for (const name of process.argv.slice(2) as FilesystemName[]) {
	using m = mount(name);
	const child = Bun.spawnSync(
		[process.execPath, "test", "tests/hostile.test.ts", "tests/hostile/"],
		{ env: { ...process.env, TMPDIR: m.root, FSX_HOSTILE_RUNS: "15" }, stdin: "ignore" },
	);
	const out = child.stdout.toString() + child.stderr.toString();
	console.log(
		name,
		child.exitCode,
		out
			.split("\n")
			.filter((l) => /^\(fail\)| pass$| fail$/.test(l))
			.join("; "),
	);
	if (child.exitCode !== 0)
		console.log(
			out
				.split("\n")
				.filter((l) => !l.startsWith("(pass)"))
				.slice(0, 60)
				.join("\n")
				.slice(0, 6000),
		);
}
