import type { Operation } from "../../engine/operation.ts";
import type { Scope } from "../../engine/scope.ts";
import type { Subject } from "../system.ts";

export interface XattrSystem {
	get(
		scope: Scope,
		subject: Subject,
		name: string | Uint8Array,
		follow: boolean,
	): Operation<Uint8Array<ArrayBuffer>>;
	set(
		scope: Scope,
		subject: Subject,
		name: string | Uint8Array,
		value: Uint8Array,
		how: "create" | "replace" | "either",
		follow: boolean,
	): Operation<void>;
	list(scope: Scope, subject: Subject, follow: boolean): Operation<Uint8Array<ArrayBuffer>[]>;
	remove(
		scope: Scope,
		subject: Subject,
		name: string | Uint8Array,
		follow: boolean,
	): Operation<void>;
}
