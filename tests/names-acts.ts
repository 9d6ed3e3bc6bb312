/** The operations on names that are tried at random, each by the model and by the library. */
import type { Location } from "../src/index.ts";
import type { Forms } from "./forms.ts";
import type { NamesModel } from "./names-model.ts";
import type { Place } from "./names-walk.ts";
import type { World } from "./names-world.ts";

/** A name as a step gives it: by what it is reached, its text, and whether it is given as bytes. */
export interface Name {
	/** 0 is a path; the others are open directories, see `VIAS`. */
	readonly via: number;
	readonly path: string;
	readonly bytes: boolean;
}

/** What a name is reached by: the last two are opened anew now and then, and may move or go. */
export const VIAS = ["path", "dir", "confined", "other dir", "other confined"] as const;

/** One operation, as plain data; what its act does not need is not looked at. */
export interface Step {
	readonly act: Act;
	readonly place: Name;
	readonly other: Name;
	/** What a symbolic link says; one that begins with a slash, from the base of all names. */
	readonly target: string;
	readonly flag: boolean;
}

/** One kind of operation: what the model and the library give must be equal. */
interface ActKind {
	/** How often it is chosen. */
	readonly weight: number;
	/** Its arguments, in words. */
	text(step: Step): string;
	model(world: World, step: Step): unknown;
	real(world: World, step: Step): Promise<unknown>;
}

const shown = ({ via, path }: Name) => `${VIAS[via]} ${JSON.stringify(path)}`;

function onOne(
	weight: number,
	model: (model: NamesModel, place: Place) => void,
	real: (fsx: Forms, location: Location) => Promise<void>,
): ActKind {
	return {
		weight,
		text: ({ place }) => shown(place),
		model: (world, { place }) => model(world.model, world.place(place)),
		real: (world, { place }) => real(world.fsx, world.location(place)),
	};
}

function onTwo(
	weight: number,
	model: (model: NamesModel, from: Place, to: Place) => void,
	real: (fsx: Forms, from: Location, to: Location) => Promise<void>,
): ActKind {
	return {
		weight,
		text: ({ place, other }) => `${shown(place)} -> ${shown(other)}`,
		model: (world, { place, other }) => model(world.model, world.place(place), world.place(other)),
		real: (world, { place, other }) =>
			real(world.fsx, world.location(place), world.location(other)),
	};
}

function create(exclusive: boolean): ActKind {
	return onOne(
		8,
		(model, place) => model.create(place, exclusive),
		async (fsx, location) => (await fsx.open(location, exclusive ? "wx" : "w")).close(),
	);
}

function rename(how: "replace" | "noReplace" | "exchange"): ActKind {
	return onTwo(
		5,
		(model, from, to) => model.rename(from, to, how),
		(fsx, from, to) => fsx.rename(from, to, how === "replace" ? {} : { [how]: true }),
	);
}

function link(follow: boolean): ActKind {
	return onTwo(
		6,
		(model, existing, place) => model.link(existing, place, follow),
		(fsx, existing, location) => fsx.link(existing, location, { follow }),
	);
}

function access(follow: boolean): ActKind {
	return onOne(
		2,
		(model, place) => void model.stat(place, follow),
		(fsx, location) => fsx.access(location, { follow }),
	);
}

function stat(follow: boolean): ActKind {
	return {
		weight: 4,
		text: ({ place }) => shown(place),
		model: (world, { place }) => world.described(world.model.stat(world.place(place), follow)),
		async real(world, { place }) {
			const { kind, ino, nlink, size } = await world.fsx.stat(world.location(place), { follow });
			return { kind, ino, nlink, size: kind === "directory" ? undefined : size };
		},
	};
}

const kinds = {
	create: create(false),
	"create, exclusive": create(true),
	mkdir: onOne(
		16,
		(model, place) => model.mkdir(place),
		(fsx, location) => fsx.mkdir(location),
	),
	symlink: {
		weight: 12,
		text: ({ target, place }) => `${JSON.stringify(target)} at ${shown(place)}`,
		model: (world, { target, place }) =>
			world.model.symlink(world.target(target), world.place(place)),
		real: (world, { target, place }) =>
			world.fsx.symlink(Buffer.from(world.target(target), "latin1"), world.location(place)),
	},
	link: link(false),
	"link, following": link(true),
	rename: rename("replace"),
	"rename, no replace": rename("noReplace"),
	"rename, exchange": rename("exchange"),
	unlink: onOne(
		3,
		(model, place) => model.unlink(place),
		(fsx, location) => fsx.unlink(location),
	),
	rmdir: onOne(
		3,
		(model, place) => model.rmdir(place),
		(fsx, location) => fsx.rmdir(location),
	),
	remove: onOne(
		6,
		(model, place) => model.remove(place),
		(fsx, location) => fsx.remove(location),
	),
	stat: stat(true),
	"stat of itself": stat(false),
	access: access(true),
	"access to itself": access(false),
	readlink: {
		weight: 4,
		text: ({ place }) => shown(place),
		model: (world, { place }) => world.model.readlink(world.place(place)),
		async real(world, { place }) {
			const target = await world.fsx.readlink(world.location(place), { encoding: "buffer" });
			return Buffer.from(target).toString("latin1");
		},
	},
	entries: {
		weight: 4,
		text: ({ place }) => shown(place),
		model: (world, { place }) =>
			[...world.model.entries(world.place(place))]
				.map(([name, { kind, ino }]) => ({ name, kind, ino: ino ?? world.anyInode }))
				.sort(byName),
		async real(world, { place }) {
			await using dir = await world.fsx.openDir(world.location(place));
			const entries = await world.entriesOf(dir);
			return entries
				.map(({ name, kind, ino }) => ({ name: Buffer.from(name).toString("latin1"), kind, ino }))
				.sort(byName);
		},
	},
	openDir: {
		weight: 3,
		text: ({ place, flag }) => `${shown(place)}, as ${flag ? VIAS[4] : VIAS[3]}`,
		model: (world, { place }) => void world.model.openDir(world.place(place)),
		async real(world, { place, flag }) {
			const dir = await world.fsx.openDir(world.location(place), { beneath: flag });
			world.adopt(dir, place, flag ? 4 : 3);
		},
	},
} as const satisfies Record<string, ActKind>;

export type Act = keyof typeof kinds;
export const acts: Readonly<Record<Act, ActKind>> = kinds;

function byName(a: { name: string }, b: { name: string }): number {
	return a.name < b.name ? -1 : 1;
}
