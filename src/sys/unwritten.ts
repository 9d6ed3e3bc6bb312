import { FsError } from "../errors.ts";
import type { System } from "./system.ts";
import { utf8Names } from "./utf8-names.ts";

/**
 * A system whose part is not written yet: it can be imported, and each of its operations throws
 * `ENOTSUP` that says so. Its members are made up as they are asked for, so that it has each
 * operation that the contract has.
 */
export function unwritten(name: string): System {
	const refuse = (capability: string, operation: string) => () => {
		throw new FsError("ENOTSUP", "operation not supported", {
			syscall: operation,
			detail: `bun-fs-extended has no ${capability} for ${name} yet`,
		});
	};
	const capability = (of: string) =>
		// Nothing was opened, so there is nothing to forget.
		new Proxy(of === "kernel" ? { reset() {} } : {}, {
			get: (known, operation) => Reflect.get(known, operation) ?? refuse(of, String(operation)),
		});
	const plain: Partial<System> = {
		name,
		names: utf8Names,
		descriptors: undefined,
		errnoOf: () => undefined,
	};
	return new Proxy(plain as System, {
		get: (known, member) =>
			member in known ? Reflect.get(known, member) : capability(String(member)),
	});
}
