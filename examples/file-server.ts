/**
 * `bun examples/file-server.ts [FOLDER] [PORT]`: serves the files of a folder over HTTP. Whatever
 * a request asks for, and whatever links are in the folder, nothing outside it is ever opened: the
 * kernel sees to that, not a check of paths.
 */
import { constants } from "node:fs";
import { type Dir, FsError, type File as OpenFile, open, openDir } from "../src/index.ts";

const CHUNK = 64 * 1024;
const statusOf: Readonly<Record<string, number>> = { ENOENT: 404, ENOTDIR: 404, EACCES: 403 };

export async function serveFolder(folder: string, port: number) {
	const root = await openDir(folder, { beneath: true });
	const fetch = (request: Request) => answer(root, request);
	const server = Bun.serve({ port, hostname: "127.0.0.1", fetch });
	const stop = async () => {
		await server.stop(true);
		await root.close();
	};
	return { url: server.url, stop };
}

async function answer(root: Dir, request: Request): Promise<Response> {
	try {
		const name = decodeURIComponent(new URL(request.url).pathname).slice(1);
		// A fifo in the folder must not keep the request waiting.
		const file = await open(root.at(name), constants.O_RDONLY | constants.O_NONBLOCK);
		const metadata = await file.stat();
		if (!metadata.isFile()) {
			await file.close();
			return new Response("not a file", { status: 404 });
		}
		const headers = { "last-modified": metadata.mtime.toUTCString() };
		return new Response(contentOf(file), { headers });
	} catch (error) {
		if (!(error instanceof FsError)) return new Response("bad request", { status: 400 });
		// EXDEV is what a name that leads out gives; it is nobody's business that it does.
		return new Response(error.code, { status: statusOf[error.code] ?? 404 });
	}
}

function contentOf(file: OpenFile): ReadableStream<Uint8Array> {
	let position = 0;
	return new ReadableStream({
		async pull(controller) {
			const bytes = await file.read(CHUNK, position);
			position += bytes.length;
			if (bytes.length > 0) return controller.enqueue(bytes);
			controller.close();
			await file.close();
		},
		cancel: () => file.close(),
	});
}

if (import.meta.main) {
	const [folder = ".", port = "8000"] = process.argv.slice(2);
	const server = await serveFolder(folder, Number(port));
	console.log(`serving ${folder} at ${server.url}`);
}
