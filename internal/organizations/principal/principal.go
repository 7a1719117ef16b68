// Package principal knows the services that AWS Organizations works with, by
// the names that they have in trusted access, delegation and service-linked
// roles.
package principal

// Inspector is Inspector's name.
const Inspector = "inspector2.amazonaws.com"

// Known reports whether trusted access and delegation know a service.
func Known(principal string) bool {
	_, ok := trusted[principal]
	return ok
}

// Administrators is how many accounts a service may be delegated to.
func Administrators(principal string) int {
	if n := trusted[principal]; n > 0 {
		return n
	}
	return 1
}

// Count is how many services are known.
func Count() int { return len(trusted) }

// trusted are the service principals that trusted access knows: the ones of
// Inspector, and those of the services that AWS documents as working with
// Organizations, so that tools which enable a whole list succeed. The number is
// how many delegated administrators a service may have; 0 is the usual one.
var trusted = map[string]int{
	Inspector:                             0,
	"agentless.inspector2.amazonaws.com":  0,
	"thirdparty.inspector2.amazonaws.com": 0,

	"access-analyzer.amazonaws.com":                      0,
	"account.amazonaws.com":                              0,
	"aiops.amazonaws.com":                                0,
	"application-signals.cloudwatch.amazonaws.com":       0,
	"appstudio.amazonaws.com":                            0,
	"auditmanager.amazonaws.com":                         0,
	"aws-artifact-account-sync.amazonaws.com":            0,
	"backup.amazonaws.com":                               5,
	"bcm-data-exports.amazonaws.com":                     0,
	"billing-cost-management.amazonaws.com":              0,
	"cloudtrail.amazonaws.com":                           3,
	"compute-optimizer.amazonaws.com":                    0,
	"config-multiaccountsetup.amazonaws.com":             3,
	"config.amazonaws.com":                               3,
	"controltower.amazonaws.com":                         0,
	"cost-optimization-hub.bcm.amazonaws.com":            0,
	"declarative-policies-ec2.amazonaws.com":             0,
	"deployment.sso.amazonaws.com":                       0,
	"detective.amazonaws.com":                            0,
	"devops-guru.amazonaws.com":                          0,
	"ds.amazonaws.com":                                   0,
	"ec2.amazonaws.com":                                  0,
	"fms.amazonaws.com":                                  10,
	"guardduty.amazonaws.com":                            0,
	"health.amazonaws.com":                               5,
	"iam.amazonaws.com":                                  0,
	"ipam.amazonaws.com":                                 0,
	"license-manager-linux-subscriptions.amazonaws.com":  0,
	"license-manager-user-subscriptions.amazonaws.com":   0,
	"license-manager.amazonaws.com":                      0,
	"license-manager.member-account.amazonaws.com":       0,
	"license-management.marketplace.amazonaws.com":       0,
	"macie.amazonaws.com":                                0,
	"malware-protection.guardduty.amazonaws.com":         0,
	"managedservices.amazonaws.com":                      0,
	"member.org.stacksets.cloudformation.amazonaws.com":  5,
	"mgn.amazonaws.com":                                  0,
	"network-security-director.amazonaws.com":            0,
	"networkmanager.amazonaws.com":                       10,
	"observabilityadmin.amazonaws.com":                   0,
	"opsdatasync.ssm.amazonaws.com":                      0,
	"ram.amazonaws.com":                                  0,
	"reachabilityanalyzer.networkinsights.amazonaws.com": 5,
	"reporting.trustedadvisor.amazonaws.com":             5,
	"resource-explorer-2.amazonaws.com":                  0,
	"resource-management.route53profiles.amazonaws.com":  0,
	"securityhub.amazonaws.com":                          0,
	"securitylake.amazonaws.com":                         0,
	"security-ir.amazonaws.com":                          0,
	"selfservice.chatbot.amazonaws.com":                  0,
	"servicecatalog.amazonaws.com":                       50,
	"servicequotas.amazonaws.com":                        0,
	"ssm-quicksetup.amazonaws.com":                       0,
	"ssm.amazonaws.com":                                  0,
	"sso.amazonaws.com":                                  0,
	"stacksets.cloudformation.amazonaws.com":             5,
	"storage-lens.s3.amazonaws.com":                      0,
	"tagpolicies.tag.amazonaws.com":                      0,
	"wellarchitected.amazonaws.com":                      0,
	"workmail.amazonaws.com":                             0,
}
