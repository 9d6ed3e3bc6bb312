/** The attr package of Debian, as a second opinion about extended attributes. */

/** Runs a tool of the attr package; throws with what it printed if it fails. */
export function tool(...command: string[]): string {
	const { success, stdout, stderr } = Bun.spawnSync(command);
	if (!success) throw new Error(`${command.join(" ")}: ${stderr}`);
	return stdout.toString();
}

/** The value of an attribute as getfattr sees it. */
export function seen(file: string, name: string): string {
	return tool("getfattr", "--absolute-names", "-h", "--only-values", "-n", name, file);
}
