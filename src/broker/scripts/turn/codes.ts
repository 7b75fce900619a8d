import { codeSets, outcomeCodes } from "../../outcome-codes.ts";

const codes = Object.entries(outcomeCodes).map(([name, code]) => `${name}='${code}'`);
const sets = Object.entries(codeSets).map(([name, members]) => `${name}='[${members}]'`);

/** The outcome codes and their sets, by the same names as in TypeScript. A set is a pattern that matches one code. */
export const codesLua = `
local codes = {${codes}}
local sets = {${sets}}
`;
