import { CoverageResourceTypeValues, ScanModeValues, ScanStatusCodeValues, ScanStatusReasonValues, ScanTypeValues } from "../api/inspector2";
import type { Kind, Property } from "../filters/property";
import type { Key } from "../text";

function property(key: string, label: Key, group: Key, kind: Kind = "exact", values?: readonly string[], names?: string): Property {
  return { key, label, group, kind, values, names };
}

const r: Key = "filter.groupResource";
const i: Key = "filter.groupImage";
const l: Key = "filter.groupFunction";
const c: Key = "filter.groupCode";

/** Every criterion that ListCoverage has; a test holds the list against the interface description. */
export const coverageProperties: readonly Property[] = [
  property("scanStatusCode", "coverage.status", r, "choice", ScanStatusCodeValues, "scanStatus"),
  property("scanStatusReason", "coverage.reason", r, "choice", ScanStatusReasonValues, "reason"),
  property("resourceType", "coverage.type", r, "choice", CoverageResourceTypeValues, "resourceType"),
  property("scanType", "coverage.scan", r, "choice", ScanTypeValues, "scanKind"),
  property("scanMode", "coverage.mode", r, "choice", ScanModeValues, "scanMode"),
  property("accountId", "coverage.account", r),
  property("resourceId", "coverage.resource", r),
  property("lastScannedAt", "coverage.last", r, "date"),
  property("ec2InstanceTags", "coverage.instanceTags", r, "tag"),
  property("ecrRepositoryName", "coverage.repository", i),
  property("ecrImageTags", "coverage.tags", i),
  property("imagePulledAt", "coverage.pulled", i, "date"),
  property("ecrImageLastInUseAt", "criterion.ecrImageLastInUseAt", i, "date"),
  property("ecrImageInUseCount", "criterion.ecrImageInUseCount", i, "number"),
  property("lambdaFunctionName", "criterion.lambdaFunctionName", l),
  property("lambdaFunctionRuntime", "criterion.lambdaFunctionRuntime", l),
  property("lambdaFunctionTags", "coverage.functionTags", l, "tag"),
  property("codeRepositoryProjectName", "criterion.codeRepositoryProjectName", c),
  property("codeRepositoryProviderType", "criterion.codeRepositoryProviderType", c),
  property("codeRepositoryProviderTypeVisibility", "coverage.visibility", c),
  property("lastScannedCommitId", "coverage.commit", c),
];
