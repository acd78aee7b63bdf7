/**
 * The rings: listeners, sessions and limits; messages in, commands out.
 *
 * @module
 */

export { ring1bis } from "./ring_1_bis.ts";
export { ring2bis } from "./ring_2_bis.ts";
