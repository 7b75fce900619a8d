/** AWS infrastructure: `new SpillwayDrain(stack, "Drain", { entry, list, secrets })`. Needs `aws-cdk-lib`. */
export { type DrainSecret, SpillwayDrain, type SpillwayDrainProps } from "./spillway-drain.ts";
