/** What the sources say about themselves: the exports of a module, each with its doc comment. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "@babel/parser";

type Statement = ReturnType<typeof parse>["program"]["body"][number];
type NodeOf<Type extends string> = Extract<Statement, { type: Type }>;
type Declaration = NonNullable<NodeOf<"ExportNamedDeclaration">["declaration"]>;
type ClassMember = NodeOf<"ClassDeclaration">["body"]["body"][number];
type TypeMember = NodeOf<"TSInterfaceDeclaration">["body"]["body"][number];
type Parameter = NodeOf<"FunctionDeclaration">["params"][number];

/** A doc comment in its parts. */
export interface Comment {
	/** What stands before the first tag. */
	readonly text: string;
	readonly tags: readonly { readonly name: string; readonly text: string }[];
}

/** A member of a class or an interface. */
export interface Member {
	readonly name: string;
	readonly comment: Comment | undefined;
}

/** One export, as its source documents it. */
export interface Documented {
	readonly name: string;
	/** The file, from the root of the project on, and the line. */
	readonly where: string;
	readonly kind: "function" | "class" | "type";
	readonly comment: Comment | undefined;
	/** Of a function with overloads, those of all of them. */
	readonly parameters: readonly string[];
	/** Whether a function returns something other than nothing, or a promise of nothing. */
	readonly returns: boolean;
	readonly members: readonly Member[];
}

export const root = join(import.meta.dir, "..");

interface Module {
	readonly source: string;
	readonly statements: readonly Statement[];
}

const modules = new Map<string, Module>();

/** A module of the project, by its path from the root on. */
function moduleOf(file: string): Module {
	let module = modules.get(file);
	if (module === undefined) {
		const source = readFileSync(join(root, file), "utf8");
		const plugins = ["typescript", "explicitResourceManagement"] as const;
		const { program } = parse(source, { sourceType: "module", plugins: [...plugins] });
		module = { source, statements: program.body };
		modules.set(file, module);
	}
	return module;
}

/** The exports of a module that re-exports them by name: where each is declared. */
export function exportsOf(file: string): Documented[] {
	const { statements } = moduleOf(file);
	return statements.flatMap((statement) => {
		if (statement.type !== "ExportNamedDeclaration" || !statement.source) {
			throw new Error(`${file}:${lineOf(statement)} is no export of names from another module`);
		}
		const from = join(dirname(file), statement.source.value);
		return statement.specifiers.map((specifier) => {
			if (specifier.type !== "ExportSpecifier") throw new Error(`${file} exports a whole module`);
			return find(from, specifier.local.name);
		});
	});
}

/** The declaration of a name that a module exports, itself or from yet another. */
function find(file: string, name: string): Documented {
	const found = search(file, name);
	if (found === undefined) throw new Error(`${file} does not export ${name} by a declaration`);
	return found;
}

function search(file: string, name: string): Documented | undefined {
	const { source, statements } = moduleOf(file);
	const found: { declaration: Declaration; statement: Statement }[] = [];
	for (const statement of statements) {
		if (statement.type === "ExportAllDeclaration") {
			const passedOn = search(join(dirname(file), statement.source.value), name);
			if (passedOn !== undefined) return passedOn;
		}
		if (statement.type !== "ExportNamedDeclaration") continue;
		const { declaration, specifiers, source: from } = statement;
		if (declaration && "id" in declaration && nameOf(declaration.id) === name) {
			found.push({ declaration, statement });
		}
		const passedOn = specifiers.some(
			(one) => one.type === "ExportSpecifier" && nameOf(one.exported) === name,
		);
		if (passedOn && from) return search(join(dirname(file), from.value), name);
	}
	const [first] = found;
	if (first === undefined) return undefined;
	const declarations = found.map(({ declaration }) => declaration);
	return {
		name,
		where: `${file}:${lineOf(first.statement)}`,
		kind: kindOf(first.declaration),
		comment: commentOf(first.statement),
		parameters: [...new Set(declarations.flatMap(parametersOf))],
		returns: declarations.some((declaration) => returnsValue(declaration, source)),
		members: membersOf(first.declaration),
	};
}

function kindOf({ type }: Declaration): Documented["kind"] {
	if (type === "FunctionDeclaration" || type === "TSDeclareFunction") return "function";
	return type === "ClassDeclaration" ? "class" : "type";
}

function parametersOf(declaration: Declaration): string[] {
	if (!("params" in declaration)) return [];
	return declaration.params.map(parameterName);
}

function parameterName(parameter: Parameter): string {
	if (parameter.type === "Identifier") return parameter.name;
	if (parameter.type === "AssignmentPattern") return nameOf(parameter.left) ?? "a pattern";
	if (parameter.type === "RestElement") return nameOf(parameter.argument) ?? "a pattern";
	return "a pattern";
}

function returnsValue(declaration: Declaration, source: string): boolean {
	if (!("returnType" in declaration) || !declaration.returnType) return false;
	const { start, end } = declaration.returnType;
	const type = source.slice(start ?? 0, end ?? 0).replace(/^:\s*/, "");
	return type !== "void" && type !== "Promise<void>";
}

function membersOf(declaration: Declaration): Member[] {
	if (declaration.type === "ClassDeclaration") {
		return distinct(declaration.body.body.flatMap(classMembers));
	}
	if (declaration.type === "TSInterfaceDeclaration") {
		return distinct(declaration.body.body.flatMap(typeMembers));
	}
	if (declaration.type !== "TSTypeAliasDeclaration") return [];
	const { typeAnnotation } = declaration;
	if (typeAnnotation.type === "TSTypeLiteral") return typeAnnotation.members.flatMap(typeMembers);
	return [];
}

/** What a user of a class sees: not what is private, computed, inherited, or marked `@internal`. */
function classMembers(member: ClassMember): Member[] {
	if (member.type === "ClassMethod" && member.kind === "constructor") {
		return member.params.flatMap((parameter) => {
			if (parameter.type !== "TSParameterProperty") return [];
			if (parameter.accessibility === "private") return [];
			return visible(parameterName(parameter.parameter as Parameter), parameter);
		});
	}
	const isOrdinary =
		member.type === "ClassMethod" ||
		member.type === "ClassProperty" ||
		member.type === "TSDeclareMethod";
	if (!isOrdinary || member.computed || member.override) return [];
	if (member.accessibility === "private" || member.accessibility === "protected") return [];
	const name = nameOf(member.key);
	return name === undefined || name === "constructor" ? [] : visible(name, member);
}

function typeMembers(member: TypeMember): Member[] {
	if (member.type !== "TSPropertySignature" && member.type !== "TSMethodSignature") return [];
	return visible(nameOf(member.key) ?? "", member);
}

type Commented = { leadingComments?: readonly { type: string; value: string }[] | null };

function visible(name: string, node: Commented): Member[] {
	const comment = commentOf(node);
	return comment?.tags.some((tag) => tag.name === "internal") ? [] : [{ name, comment }];
}

/** Overloads are one member, which the first of them documents. */
function distinct(members: Member[]): Member[] {
	const seen = new Set<string>();
	return members.filter(({ name }) => !seen.has(name) && seen.add(name));
}

function nameOf(node: unknown): string | undefined {
	const named = node as { type?: string; name?: string; value?: unknown } | null | undefined;
	return named?.type === "Identifier" ? named.name : undefined;
}

function lineOf({ loc }: { loc?: { start: { line: number } } | null | undefined }): number {
	return loc?.start.line ?? 0;
}

/** The doc comment before a declaration: the last one, if there are several. */
function commentOf({ leadingComments }: Commented): Comment | undefined {
	const last = leadingComments?.findLast(
		({ type, value }) => type === "CommentBlock" && value.startsWith("*"),
	);
	return last === undefined ? undefined : commentFrom(last.value.slice(1));
}

function commentFrom(value: string): Comment {
	const lines = value.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
	const tags: { name: string; lines: string[] }[] = [];
	const text: string[] = [];
	for (const line of lines) {
		const [, name, rest] = /^\s*@(\w+)\s*(.*)$/.exec(line) ?? [];
		if (name !== undefined) tags.push({ name, lines: [rest ?? ""] });
		else (tags.at(-1)?.lines ?? text).push(line);
	}
	return {
		text: text.join("\n").trim(),
		tags: tags.map(({ name, lines }) => ({ name, text: lines.join("\n").trim() })),
	};
}
