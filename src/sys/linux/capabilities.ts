import type { CapabilitySystem } from "../system.ts";

export const capabilities: CapabilitySystem = {
	// biome-ignore lint/correctness/useYield: written below
	*machine() {
		return [];
	},
	// biome-ignore lint/correctness/useYield: written below
	*filesystem() {
		return [];
	},
};
