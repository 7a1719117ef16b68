// Questions as the AWS CLI asks them.

/** A question to an operation: its name as the API has it, and its input without what pages it. */
export interface Asked {
  service: string;
  operation: string;
  input: Record<string, unknown>;
}

/** ListFindings becomes list-findings, ec2InstanceIds ec2-instance-ids. */
export function kebab(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

/** A word that a POSIX shell hands over as it is. */
export function quoted(word: string): string {
  return /^[\w.,:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The command line that asks the same. */
export function command({ service, operation, input }: Asked, region: string, endpoint: string): string {
  const options = Object.entries(input).filter(([, v]) => v !== undefined).map(([name, value]) =>
    typeof value === "boolean" ? `--${value ? "" : "no-"}${kebab(name)}` : `--${kebab(name)} ${quoted(typeof value === "object" ? JSON.stringify(value) : String(value))}`);
  return ["aws", service, kebab(operation), ...options, "--region", region, "--endpoint-url", quoted(endpoint)].join(" ");
}
