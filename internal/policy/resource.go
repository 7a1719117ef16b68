package policy

import (
	"slices"
	"strings"
)

// The parts of an ARN.
const (
	arnPrefix = iota
	arnPartition
	arnService
	arnRegion
	arnAccount
	arnResource
	arnParts
)

// complete gives an ARN that breaks off the parts it lacks: any.
func complete(v string) string {
	if v == "*" {
		return v
	}
	if lacks := arnParts - 1 - strings.Count(v, ":"); lacks > 0 {
		return v + strings.Repeat(":*", lacks)
	}
	return v
}

// resourceFault says what is wrong with a value of Resource or NotResource:
// "*" or an ARN, whose parts may hold wildcards.
func resourceFault(v string) string {
	if v == "*" {
		return ""
	}
	noARN := "Resource " + v + ` must be in ARN format or "*".`
	if !strings.Contains(v, ":") {
		return noARN
	}
	parts := strings.SplitN(complete(v), ":", arnParts)
	short := strings.Count(v, ":") < arnParts-1
	switch {
	case !isPartition(parts[arnPartition]):
		parts[arnPrefix] = "arn"
		return `Partition "` + parts[arnPartition] + `" is not valid for resource "` + strings.Join(parts, ":") + `".`
	case parts[arnPrefix] != "arn":
		return noARN
	case strings.Count(v, ":") < arnService, strings.ContainsAny(parts[arnService], "*?"):
		return "Resource vendor must be fully qualified and cannot contain regexes."
	case parts[arnService] == "", short && strings.Contains(v, "::"):
		return failedLegacyParsing
	}
	return serviceFault(v, parts)
}

func isPartition(s string) bool {
	return strings.ContainsAny(s, "*?$") || slices.Contains([]string{
		"aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f",
	}, s)
}

// serviceFault holds an ARN against what IAM knows of its own service and S3.
func serviceFault(v string, parts []string) string {
	within := func(paths []string) bool {
		return slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(parts[arnResource], p) })
	}
	regional := parts[arnRegion] != ""
	switch parts[arnService] {
	case "s3":
		if regional && !within(regionalInS3()) {
			return "Resource " + v + " can not contain region information."
		}
	case "iam":
		if regional {
			return "IAM resource " + v + " cannot contain region information."
		}
		// AWS's own policies for central root access name the root user.
		if parts[arnResource] != "*" && parts[arnResource] != "root" && !within(pathsInIAM()) {
			return `IAM resource path must either be "*" or start with ` + strings.Join(pathsInIAM(), ", ") + "."
		}
	}
	return ""
}

// regionalInS3 are the resources of S3 that live in a Region.
func regionalInS3() []string {
	return []string{"accesspoint/", "job/", "storage-lens/", "storage-lens-group/", "access-grants/", "async-request/"}
}

func pathsInIAM() []string {
	return []string{
		"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
		"sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
	}
}
