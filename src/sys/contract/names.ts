/** How the names of a system are written as bytes, and as text. */
export interface NameSystem {
	/** A name as text; what no string of this system can hold is shown with replacement characters. */
	decode(name: Uint8Array): string;
	/** The bytes of a name. */
	encode(name: string): Uint8Array<ArrayBuffer>;
	/** What is in a name that makes it none on this system: said before any call is made. */
	unfit(name: string | Uint8Array): string | undefined;
}
