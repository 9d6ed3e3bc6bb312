const zeros = new Uint8Array(1024 * 1024);

export function isZero(bytes: Uint8Array): boolean {
	const { length } = bytes;
	for (let at = 0; at < length; at += zeros.length) {
		const part = bytes.subarray(at, at + zeros.length);
		if (Buffer.compare(part, zeros.subarray(0, part.length)) !== 0) return false;
	}
	return true;
}

/** What a file must hold: bytes in memory, changed as the operations are meant to change files. */
export class Content {
	size = 0;
	/** Where reading and writing without a position go on, for the one open file that is used so. */
	position = 0;
	/** What was under the name before another file was put there. */
	former: Uint8Array = new Uint8Array(0);
	/** What has been touched since it was last asked for. */
	private from = Number.POSITIVE_INFINITY;
	private to = 0;
	/** Zeros from `size` on. */
	private bytes = new Uint8Array(2 * 1024 * 1024);

	/** The bytes at `offset`: fewer than `length` at the end of the file. */
	read(offset: number, length: number): Uint8Array {
		const from = Math.min(offset, this.size);
		return this.bytes.subarray(from, Math.min(offset + length, this.size));
	}

	write(offset: number, bytes: Uint8Array): void {
		if (bytes.length === 0) return;
		this.grow(offset + bytes.length);
		this.bytes.set(bytes, offset);
		this.touch(offset, bytes.length);
	}

	append(bytes: Uint8Array): void {
		this.write(this.size, bytes);
	}

	replace(bytes: Uint8Array): void {
		const { size } = this;
		this.truncate(0);
		this.write(0, bytes);
		this.touch(0, size);
	}

	/** Another file with this content has the name from now on. */
	replaceFile(bytes: Uint8Array): void {
		this.former = this.bytes.slice(0, this.size);
		this.position = 0;
		this.replace(bytes);
	}

	truncate(length: number): void {
		const { size } = this;
		this.touch(Math.min(size, length), Math.abs(size - length));
		if (length < size) this.bytes.fill(0, length, size);
		this.size = length;
		this.reserve(length);
	}

	/** Makes the file as long as `end` if it is shorter. */
	grow(end: number): void {
		if (end > this.size) this.truncate(end);
	}

	/** Zeros what of the range is inside the file. */
	zero(offset: number, length: number): void {
		this.touch(offset, length);
		this.bytes.fill(0, Math.min(offset, this.size), Math.min(offset + length, this.size));
	}

	/** Takes a range out, and moves what follows to its place. */
	collapse(offset: number, length: number): void {
		const { size } = this;
		this.bytes.copyWithin(offset, offset + length, size);
		this.bytes.fill(0, size - length, size);
		this.size = size - length;
		this.touch(offset, size - offset);
	}

	/** Puts zeros in, and moves what was there to after them. */
	insert(offset: number, length: number): void {
		const { size } = this;
		this.size = size + length;
		this.reserve(this.size);
		this.bytes.copyWithin(offset + length, offset, size);
		this.bytes.fill(0, offset, offset + length);
		this.touch(offset, this.size - offset);
	}

	/** Marks a range as one to compare, though nothing in it may have changed. */
	touch(offset: number, length: number): void {
		if (length === 0) return;
		this.from = Math.min(this.from, offset);
		this.to = Math.max(this.to, offset + length);
	}

	/** What has been touched, from the start of a block to the end of one. */
	takeTouched(block: number): readonly [from: number, to: number] | undefined {
		const { from, to } = this;
		if (to === 0) return undefined;
		this.from = Number.POSITIVE_INFINITY;
		this.to = 0;
		return [Math.max(0, from - (from % block) - 1), to - (to % block) + block + 1];
	}

	isZero(from: number, to: number): boolean {
		return isZero(this.bytes.subarray(from, to));
	}

	private reserve(length: number): void {
		if (length <= this.bytes.length) return;
		const larger = new Uint8Array(2 * length);
		larger.set(this.bytes);
		this.bytes = larger;
	}
}
