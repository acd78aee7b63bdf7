/** What a netPanzer 0.8.7 server without players answers. */
export const REAL_STATUS = "gamename\\netpanzer\\protocol\\1122\\hostname\\Player88" +
  "\\gameversion\\0.8.7\\mapname\\Two clans\\mapcycle\\Two clans, Bullet Hole\\password\\n" +
  "\\numplayers\\0\\maxplayers\\8\\empty\\1\\gamestyle\\Objective\\units_per_player\\36\\time\\0" +
  "\\timelimit\\30\\fraglimit\\300\\objectivelimit\\7\\final\\";

/** The same with players, who are called what they like. */
export function statusWith(
  ...players: readonly (readonly [string, number, number, number])[]
): string {
  const roster = players.map(([name, kills, deaths, points], i) =>
    `player_${i}\\${name}\\kills_${i}\\${kills}\\deaths_${i}\\${deaths}\\points_${i}\\${points}\\`
  ).join("");
  return REAL_STATUS.replace("numplayers\\0", `numplayers\\${players.length}`)
    .replace("final\\", `${roster}final\\`);
}
