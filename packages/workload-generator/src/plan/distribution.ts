import type { Draw } from "./seeded-random.js";

export const distributionNames = ["uniform", "zipfian", "hotspot"] as const;
export type DistributionName = (typeof distributionNames)[number];

/** Which of the files 0 to `files - 1` comes next. Low numbers are the popular ones, where there are such. */
export type ChooseFile = (draw: Draw) => number;

export function fileChooser(name: DistributionName, files: number): ChooseFile {
  switch (name) {
    case "uniform":
      return (draw) => Math.floor(draw() * files);
    case "zipfian":
      return zipfian(files);
    case "hotspot":
      return hotspot(files);
  }
}

/** As in YCSB: of 1,000 files the most popular one gets 13 % of the operations, and the ten most popular ones 38 %. */
const zipfianExponent = 0.99;

/** Gray et al., "Quickly generating billion-record synthetic databases", SIGMOD 1994. */
function zipfian(files: number): ChooseFile {
  const theta = zipfianExponent;
  let zeta = 0;
  for (let rank = 1; rank <= files; rank += 1) zeta += rank ** -theta;
  const zetaOfTwo = 1 + 2 ** -theta;
  const alpha = 1 / (1 - theta);
  const eta = files > 2 ? (1 - (2 / files) ** (1 - theta)) / (1 - zetaOfTwo / zeta) : 0;
  return (draw) => {
    const u = draw();
    if (files === 1 || u * zeta < 1) return 0;
    if (files === 2 || u * zeta < zetaOfTwo) return 1;
    return Math.min(files - 1, Math.floor(files * (eta * u - eta + 1) ** alpha));
  };
}

/** Four of five operations go to a fifth of the files. */
const hotFraction = 0.2;
const hotOperations = 0.8;

function hotspot(files: number): ChooseFile {
  const hot = Math.max(1, Math.round(files * hotFraction));
  const cold = files - hot;
  return (draw) => {
    const isHot = draw() < hotOperations || cold === 0;
    return isHot ? Math.floor(draw() * hot) : hot + Math.floor(draw() * cold);
  };
}
