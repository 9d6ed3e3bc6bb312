/** Numbers that look random and come again from the same seed. */
export class Random {
	constructor(private state: number) {}

	/** A whole number from 0 up to, and without, `limit`. */
	below(limit: number): number {
		// Mulberry32: one word of state, and good enough to choose by.
		this.state = (this.state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
	}

	between(least: number, most: number): number {
		return least + this.below(most - least + 1);
	}

	chance(probability: number): boolean {
		return this.below(1_000_000) < probability * 1_000_000;
	}

	pick<const T>(list: readonly [T, ...T[]]): T {
		return list[this.below(list.length)] as T;
	}

	/** One of several, each as often as its weight says. */
	weighted<const T>(list: readonly (readonly [weight: number, value: T])[]): T {
		let at = this.below(list.reduce((sum, [weight]) => sum + weight, 0));
		for (const [weight, value] of list) {
			at -= weight;
			if (at < 0) return value;
		}
		throw new Error("nothing has a weight");
	}
}
