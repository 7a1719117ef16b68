package throttle

// The rates of Organizations' operations. AWS publishes them by operation; the
// two that the specification quotes are ListAccounts, 8 a second and 12 at
// once, and RegisterDelegatedAdministrator, 1 and 2. The others here follow
// the one they are like: reads the first, writes the second.
var (
	read  = Rate{PerSecond: 8, Burst: 12}
	write = Rate{PerSecond: 1, Burst: 2}
)

// rateOf is the rate of an operation; ok is false for services without rates.
// AWS does not publish those of the other services: theirs are generous enough
// for tools that honour the answer.
func rateOf(service, op string) (Rate, bool) {
	switch service {
	case "organizations":
		if organizationsWrites[op] {
			return write, true
		}
		return read, true
	case "inspector2":
		return Rate{PerSecond: 10, Burst: 20}, true
	case "iam":
		return Rate{PerSecond: 20, Burst: 40}, true
	case "sts":
		return Rate{PerSecond: 100, Burst: 200}, true
	}
	return Rate{}, false
}

// organizationsWrites are the operations that change something.
var organizationsWrites = map[string]bool{
	"AcceptHandshake":                            true,
	"AttachPolicy":                               true,
	"CancelHandshake":                            true,
	"CloseAccount":                               true,
	"CreateAccount":                              true,
	"CreateGovCloudAccount":                      true,
	"CreateOrganization":                         true,
	"CreateOrganizationalUnit":                   true,
	"CreatePolicy":                               true,
	"DeclineHandshake":                           true,
	"DeleteOrganization":                         true,
	"DeleteOrganizationalUnit":                   true,
	"DeletePolicy":                               true,
	"DeleteResourcePolicy":                       true,
	"DeregisterDelegatedAdministrator":           true,
	"DetachPolicy":                               true,
	"DisableAWSServiceAccess":                    true,
	"DisablePolicyType":                          true,
	"EnableAWSServiceAccess":                     true,
	"EnableAllFeatures":                          true,
	"EnablePolicyType":                           true,
	"InviteAccountToOrganization":                true,
	"InviteOrganizationToTransferResponsibility": true,
	"LeaveOrganization":                          true,
	"MoveAccount":                                true,
	"PutResourcePolicy":                          true,
	"RegisterDelegatedAdministrator":             true,
	"RemoveAccountFromOrganization":              true,
	"TagResource":                                true,
	"TerminateResponsibilityTransfer":            true,
	"UntagResource":                              true,
	"UpdateOrganizationalUnit":                   true,
	"UpdatePolicy":                               true,
	"UpdateResponsibilityTransfer":               true,
}
