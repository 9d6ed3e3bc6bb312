/** Nanoseconds between two reports: nobody reads more than 20 a second. */
const INTERVAL = 50_000_000;

/** Passes on at most 20 reports a second; what they say is put together only for those. */
export function throttled<T>(report: ((progress: T) => void) | undefined): (make: () => T) => void {
	if (report === undefined) return () => {};
	let next = 0;
	return (make) => {
		const now = Bun.nanoseconds();
		if (now < next) return;
		next = now + INTERVAL;
		report(make());
	};
}
