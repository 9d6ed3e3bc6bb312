/**
 * The tables of the Windows part against mingw's headers, for both architectures, on any system that
 * has the cross compiler; and what those lack against what is documented.
 */
import { describeTables } from "./abi/tables.ts";
import * as windows from "./abi/windows.ts";
import * as documented from "./abi/windows-documented.ts";

describeTables({ system: "Windows", documented, ...windows });
