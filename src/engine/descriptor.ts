import { FsError } from "../errors.ts";

/**
 * An open file or directory: the system's number for it, and how many operations are using it. It
 * is closed only when none is, because the number may by then belong to another file.
 */
export class Descriptor {
	private uses = 0;
	private retired = false;
	private whenIdle: (() => void) | undefined;
	/** Called when it is about to be closed: what is known of it will not be true any more. */
	whenRetired: (() => void) | undefined;

	constructor(private readonly number: number) {}

	/** The system's number, for those who close it or show it. */
	get handle(): number {
		if (this.retired) throw closed();
		return this.number;
	}

	get isClosed(): boolean {
		return this.retired;
	}

	/** Keeps the descriptor open until `release`. */
	hold(): void {
		if (this.retired) throw closed();
		this.uses++;
	}

	release(): void {
		this.uses--;
		if (this.uses === 0) this.whenIdle?.();
	}

	/**
	 * Lets no further operation in and calls back once the last one is out: at once if there is
	 * none. False when that has been asked for before.
	 */
	retire(idle: (handle: number) => void): boolean {
		if (this.retired) return false;
		this.retired = true;
		this.whenRetired?.();
		if (this.uses === 0) idle(this.number);
		else this.whenIdle = () => idle(this.number);
		return true;
	}
}

function closed(): FsError {
	return new FsError("EBADF", "bad file descriptor", { detail: "it is closed" });
}
