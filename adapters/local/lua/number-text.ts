/** A number as Redis passes it from a script to a command: as C's `%.17g` prints it. */
export function printNumber(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [digits = "", exponent = "0"] = value.toExponential(16).split("e");
  const power = Number(exponent);
  // Digits enough for any double, in the plain form where C has it.
  if (power >= -5 + 1 && power < 17) return trimmed(value.toFixed(Math.max(0, 16 - power)));
  return `${trimmed(digits)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function trimmed(digits: string): string {
  return digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits;
}
