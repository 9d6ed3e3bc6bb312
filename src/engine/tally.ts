/** How long things of one kind took; times are in nanoseconds. */
export interface Measured {
	/** How many have ended. */
	readonly count: number;
	/** How many of them failed. */
	readonly failed: number;
	/** How long all of them together took. */
	readonly totalNs: number;
	/** How long the slowest took. */
	readonly slowestNs: number;
	/** What half of them stayed below, to about an eighth. */
	readonly medianNs: number;
	/** What 99 of 100 stayed below, to about an eighth. */
	readonly p99Ns: number;
}

/** Each power of two is divided into so many classes: what is told is right to an eighth. */
const CLASSES = 8;

function classOf(nanoseconds: number): number {
	if (nanoseconds < CLASSES) return nanoseconds;
	const power = Math.floor(Math.log2(nanoseconds));
	return (power - 3) * CLASSES + Math.floor(nanoseconds / 2 ** (power - 3));
}

/** The least that is above everything in a class. */
function boundOf(number: number): number {
	if (number < CLASSES) return number + 1;
	const power = Math.floor(number / CLASSES) + 2;
	return 2 ** (power - 3) * ((number % CLASSES) + CLASSES + 1);
}

/** Counts how long things took, in little memory however many there are. */
export class Tally {
	private count = 0;
	private failed = 0;
	private total = 0;
	private slowest = 0;
	private readonly classes: number[] = [];

	add(nanoseconds: number, failed: boolean): void {
		this.count++;
		if (failed) this.failed++;
		this.total += nanoseconds;
		if (nanoseconds > this.slowest) this.slowest = nanoseconds;
		const number = classOf(nanoseconds);
		this.classes[number] = (this.classes[number] ?? 0) + 1;
	}

	measured(): Measured {
		const { count, failed, total, slowest } = this;
		return {
			count,
			failed,
			totalNs: total,
			slowestNs: slowest,
			medianNs: this.below(0.5),
			p99Ns: this.below(0.99),
		};
	}

	/** What this part of all stayed below. */
	private below(part: number): number {
		let left = this.count * part;
		for (const [number, many] of this.classes.entries()) {
			left -= many ?? 0;
			if (left <= 0 && many !== undefined) return Math.min(boundOf(number), this.slowest);
		}
		return 0;
	}
}
