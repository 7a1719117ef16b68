package relation

// cell is what one kind of caller may do with an operation.
type cell uint8

const (
	// never: AccessDeniedException.
	never cell = iota
	// invalid: ValidationException, because the caller is the delegated
	// administrator itself.
	invalid
	// own: for the caller's own account.
	own
	// org: for the own and all associated accounts.
	org
	// allowed: for the organization as such.
	allowed
)

// row is the matrix's row of an operation, with one column per kind of caller.
type row struct {
	operation string
	// management is the organization's management account, administrator the
	// delegated administrator of the Region, member an account associated to
	// it, unassociated any other account of an organization, and alone one in
	// no organization.
	management, administrator, member, unassociated, alone cell
	// to completes "Invoking account does not have access to ".
	to string
	// unless narrows a column that permits: it holds for requests that are
	// refused all the same.
	unless condition
}

// rowOf finds the row of an operation.
func rowOf(operation string) (row, bool) {
	for _, r := range matrix {
		if r.operation == operation {
			return r, true
		}
	}
	return row{}, false
}

// matrix covers every operation of Inspector. "own" against "org" in a column
// is for the reader and for the desk: which accounts a permitted call reaches.
// An account outside the reach is an entry among the failures of a batch, not
// a refusal of the request.
var matrix = []row{
	// operation, management, administrator, member, unassociated, alone

	{"EnableDelegatedAdminAccount", allowed, never, never, never, never, "enable the delegated admin account", nil},
	{"DisableDelegatedAdminAccount", allowed, never, never, never, never, "disable the delegated admin account", nil},
	{"ListDelegatedAdminAccounts", allowed, invalid, never, never, never, "list delegated admin accounts", nil},
	{"GetDelegatedAdminAccount", allowed, invalid, own, own, never, "get the delegated admin account", nil},

	{"AssociateMember", never, org, never, never, never, "associate member account", nil},
	{"DisassociateMember", never, org, never, never, never, "disassociate member account", nil},
	{"GetMember", never, org, never, never, never, "get member account", nil},
	{"ListMembers", never, org, never, never, never, "list members", nil},
	{"DescribeOrganizationConfiguration", never, org, never, never, never, "describe the organization configuration.", nil},
	{"UpdateOrganizationConfiguration", never, org, never, never, never, "update the organization configuration", nil},
	{"UpdateOrgEc2DeepInspectionConfiguration", never, org, never, never, never, "update the organization deep inspection configuration", nil},
	{"BatchGetMemberEc2DeepInspectionStatus", never, org, never, never, never, "get the deep inspection status of member accounts", nil},
	{"BatchUpdateMemberEc2DeepInspectionStatus", never, org, never, never, never, "update the deep inspection status of member accounts", nil},

	{"Enable", own, org, own, own, own, "enable scanning", nil},
	{"Disable", own, org, never, own, own, "disable scanning", nil},
	{"BatchGetAccountStatus", own, org, own, own, own, "get the account status", nil},

	{"ListAccountPermissions", own, own, own, own, own, "list account permissions", nil},
	{"GetConfiguration", own, own, own, own, own, "get the configuration", nil},
	{"UpdateConfiguration", own, org, never, own, own, "update the configuration", nil},
	{"GetEc2DeepInspectionConfiguration", own, own, own, own, own, "get the deep inspection configuration", nil},
	{"UpdateEc2DeepInspectionConfiguration", own, own, own, own, own, "deactivate deep inspection", memberDeactivates},

	{"ListFindings", own, org, own, own, own, "list findings", nil},
	{"BatchGetFindingDetails", own, org, own, own, own, "get finding details", nil},
	{"BatchGetCodeSnippet", own, org, own, own, own, "get code snippets", nil},
	{"ListFindingAggregations", own, org, own, own, own, "list finding aggregations", nil},
	{"SearchVulnerabilities", own, org, own, own, own, "search vulnerabilities", nil},
	{"ListCoverage", own, org, own, own, own, "list coverage", nil},
	{"ListCoverageStatistics", own, org, own, own, own, "list coverage statistics", nil},
	{"GetClustersForImage", own, org, own, own, own, "get the clusters of an image", nil},

	{"CreateFilter", own, own, own, own, own, "create a suppression rule", memberSuppresses},
	{"UpdateFilter", own, own, own, own, own, "update a suppression rule", memberSuppresses},
	{"DeleteFilter", own, own, own, own, own, "delete a suppression rule", nil},
	{"ListFilters", own, own, own, own, own, "list filters", nil},

	{"CreateFindingsReport", own, org, own, own, own, "create a findings report", nil},
	{"GetFindingsReportStatus", own, org, own, own, own, "get the status of a findings report", nil},
	{"CancelFindingsReport", own, org, own, own, own, "cancel a findings report", nil},
	{"CreateSbomExport", own, org, own, own, own, "create an SBOM export", nil},
	{"GetSbomExport", own, org, own, own, own, "get an SBOM export", nil},
	{"CancelSbomExport", own, org, own, own, own, "cancel an SBOM export", nil},
	{"BatchGetFreeTrialInfo", own, org, own, own, own, "get free trial information", nil},
	{"ListUsageTotals", own, org, own, own, own, "list usage totals", nil},

	{"CreateCisScanConfiguration", own, org, own, own, own, "target other accounts with a CIS scan", targetsOthers},
	{"UpdateCisScanConfiguration", own, org, own, own, own, "target other accounts with a CIS scan", targetsOthers},
	{"DeleteCisScanConfiguration", own, org, own, own, own, "delete a CIS scan configuration", nil},
	{"ListCisScanConfigurations", own, org, own, own, own, "list CIS scan configurations", nil},
	{"ListCisScans", own, org, own, own, own, "list CIS scans", nil},
	{"GetCisScanReport", own, org, own, own, own, "get a CIS scan report", nil},
	{"GetCisScanResultDetails", own, org, own, own, own, "get CIS scan results", nil},
	{"ListCisScanResultsAggregatedByChecks", own, org, own, own, own, "list CIS scan results", nil},
	{"ListCisScanResultsAggregatedByTargetResource", own, org, own, own, own, "list CIS scan results", nil},
	{"StartCisSession", own, own, own, own, own, "start a CIS session", nil},
	{"StopCisSession", own, own, own, own, own, "stop a CIS session", nil},
	{"SendCisSessionHealth", own, own, own, own, own, "send the health of a CIS session", nil},
	{"SendCisSessionTelemetry", own, own, own, own, own, "send the telemetry of a CIS session", nil},

	{"CreateCodeSecurityIntegration", own, own, own, own, own, "create a code security integration", nil},
	{"GetCodeSecurityIntegration", own, own, own, own, own, "get a code security integration", nil},
	{"UpdateCodeSecurityIntegration", own, own, own, own, own, "update a code security integration", nil},
	{"DeleteCodeSecurityIntegration", own, own, own, own, own, "delete a code security integration", nil},
	{"ListCodeSecurityIntegrations", own, own, own, own, own, "list code security integrations", nil},
	{"StartCodeSecurityScan", own, own, own, own, own, "start a code security scan", nil},
	{"GetCodeSecurityScan", own, own, own, own, own, "get a code security scan", nil},
	{"CreateCodeSecurityScanConfiguration", own, own, own, own, own, "create a code security scan configuration of the organization", organizationLevel},
	{"GetCodeSecurityScanConfiguration", own, own, own, own, own, "get a code security scan configuration", nil},
	{"UpdateCodeSecurityScanConfiguration", own, own, own, own, own, "update a code security scan configuration", nil},
	{"DeleteCodeSecurityScanConfiguration", own, own, own, own, own, "delete a code security scan configuration", nil},
	{"ListCodeSecurityScanConfigurations", own, own, own, own, own, "list code security scan configurations", nil},
	{"ListCodeSecurityScanConfigurationAssociations", own, own, own, own, own, "list code security scan configuration associations", nil},
	{"BatchAssociateCodeSecurityScanConfiguration", own, own, own, own, own, "associate a code security scan configuration", nil},
	{"BatchDisassociateCodeSecurityScanConfiguration", own, own, own, own, own, "disassociate a code security scan configuration", nil},

	{"GetEncryptionKey", own, own, own, own, own, "get the encryption key", nil},
	{"UpdateEncryptionKey", own, own, own, own, own, "update the encryption key", nil},
	{"ResetEncryptionKey", own, own, own, own, own, "reset the encryption key", nil},
	{"TagResource", own, own, own, own, own, "tag the resource", nil},
	{"UntagResource", own, own, own, own, own, "untag the resource", nil},
	{"ListTagsForResource", own, own, own, own, own, "list the tags of the resource", nil},
}
