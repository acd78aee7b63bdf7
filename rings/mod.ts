/**
 * The rings: listeners, sessions and limits; messages in, commands out.
 *
 * @module
 */

export { ring0 } from "./ring_0.ts";
export { ring1 } from "./ring_1.ts";
export { ring1bis } from "./ring_1_bis.ts";
export { ring2 } from "./ring_2.ts";
export { ring2bis } from "./ring_2_bis.ts";
