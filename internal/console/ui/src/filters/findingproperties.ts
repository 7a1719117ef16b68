import { FindingStatusValues, FindingTypeValues, ResourceTypeValues, SeverityValues } from "../api/inspector2";
import type { Key } from "../text";
import type { Kind, Property, Token } from "./property";

const yesNo = ["YES", "NO"] as const;

function property(key: string, label: Key, group: Key, kind: Kind = "text", values?: readonly string[], names?: string): Property {
  return { key, label, group, kind, values, names };
}

const f: Key = "filter.groupFinding";
const v: Key = "filter.groupVulnerability";
const r: Key = "filter.groupResource";
const i: Key = "filter.groupImage";
const l: Key = "filter.groupFunction";
const c: Key = "filter.groupCode";
const p: Key = "filter.groupPackage";
const d: Key = "filter.groupTime";

/** Every criterion that ListFindings has; a test holds the list against the interface description. */
export const findingProperties: readonly Property[] = [
  property("severity", "finding.severity", f, "choice", [...SeverityValues].reverse(), "severity"),
  property("findingStatus", "finding.status", f, "choice", FindingStatusValues, "findingStatus"),
  property("findingType", "finding.type", f, "choice", FindingTypeValues, "findingType"),
  property("title", "finding.name", f),
  property("inspectorScore", "finding.score", f, "number"),
  property("fixAvailable", "finding.fix", f, "choice", [...yesNo, "PARTIAL"], "yesNo"),
  property("exploitAvailable", "finding.exploit", f, "choice", yesNo, "yesNo"),
  property("findingArn", "finding.arn", f),
  property("vulnerabilityId", "finding.vulnerability", v),
  property("vulnerabilitySource", "criterion.vulnerabilitySource", v),
  property("vendorSeverity", "finding.vendorSeverity", v),
  property("relatedVulnerabilities", "criterion.relatedVulnerabilities", v),
  property("epssScore", "finding.epss", v, "number"),
  property("awsAccountId", "finding.account", r),
  property("resourceType", "finding.resourceType", r, "choice", ResourceTypeValues, "resourceType"),
  property("resourceId", "finding.resource", r),
  property("resourceTags", "criterion.resourceTags", r, "tag"),
  property("ec2InstanceImageId", "criterion.ec2InstanceImageId", r),
  property("ec2InstanceVpcId", "criterion.ec2InstanceVpcId", r),
  property("ec2InstanceSubnetId", "criterion.ec2InstanceSubnetId", r),
  property("portRange", "criterion.portRange", r, "port"),
  property("networkProtocol", "criterion.networkProtocol", r),
  property("componentId", "criterion.componentId", r),
  property("componentType", "criterion.componentType", r),
  property("ecrImageRepositoryName", "criterion.ecrImageRepositoryName", i),
  property("ecrImageTags", "criterion.ecrImageTags", i),
  property("ecrImageHash", "criterion.ecrImageHash", i),
  property("ecrImageRegistry", "criterion.ecrImageRegistry", i),
  property("ecrImageArchitecture", "criterion.ecrImageArchitecture", i),
  property("ecrImagePushedAt", "criterion.ecrImagePushedAt", i, "date"),
  property("ecrImageLastInUseAt", "criterion.ecrImageLastInUseAt", i, "date"),
  property("ecrImageInUseCount", "criterion.ecrImageInUseCount", i, "number"),
  property("lambdaFunctionName", "criterion.lambdaFunctionName", l),
  property("lambdaFunctionLayers", "criterion.lambdaFunctionLayers", l),
  property("lambdaFunctionRuntime", "criterion.lambdaFunctionRuntime", l),
  property("lambdaFunctionExecutionRoleArn", "criterion.lambdaFunctionExecutionRoleArn", l),
  property("lambdaFunctionLastModifiedAt", "criterion.lambdaFunctionLastModifiedAt", l, "date"),
  property("codeVulnerabilityDetectorName", "criterion.codeVulnerabilityDetectorName", c),
  property("codeVulnerabilityDetectorTags", "criterion.codeVulnerabilityDetectorTags", c),
  property("codeVulnerabilityFilePath", "criterion.codeVulnerabilityFilePath", c),
  property("codeRepositoryProjectName", "criterion.codeRepositoryProjectName", c),
  property("codeRepositoryProviderType", "criterion.codeRepositoryProviderType", c),
  property("vulnerablePackages.name", "criterion.packageName", p),
  property("vulnerablePackages.version", "criterion.packageVersion", p),
  property("vulnerablePackages.epoch", "criterion.packageEpoch", p, "number"),
  property("vulnerablePackages.release", "criterion.packageRelease", p),
  property("vulnerablePackages.architecture", "criterion.packageArchitecture", p),
  property("vulnerablePackages.sourceLayerHash", "criterion.packageLayer", p),
  property("vulnerablePackages.sourceLambdaLayerArn", "criterion.packageLambdaLayer", p),
  property("vulnerablePackages.filePath", "criterion.packagePath", p),
  property("firstObservedAt", "finding.first", d, "date"),
  property("lastObservedAt", "finding.last", d, "date"),
  property("updatedAt", "finding.updated", d, "date"),
];

/** What a page of findings shows when its address does not say. */
export const activeOnly: Token[] = [{ key: "findingStatus", operator: "=", value: "ACTIVE" }];
