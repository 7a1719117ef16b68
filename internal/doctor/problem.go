package doctor

import (
	"encoding/json"
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/internal/awsmodel/muster"
	"muster/internal/store/survey"
)

// problem is one finding of a diagnosis.
type problem struct {
	code     muster.ProblemCode
	severity muster.Severity
	text     string
	about    survey.Found
	remedies []remedy
}

// remedy is a command that mends a problem, or a part of it.
type remedy struct {
	role    muster.RemedyRole
	account arn.AccountID
	command string
	// needs are the permissions that the command takes.
	needs []need
}

// need is a permission.
type need struct {
	action   string
	resource arn.ARN
	keys     map[string][]string
}

// shownAccounts bounds the accounts that a problem names, and shownRemedies
// the commands: after running them the next diagnosis has the next ones.
const (
	shownAccounts = 100
	shownRemedies = 25
	// enableAtOnce is how many accounts one call of Enable takes.
	enableAtOnce = 100
)

// aws is a command of the AWS CLI.
func aws(service, command string, args ...string) string {
	return strings.Join(append([]string{"aws", service, command}, args...), " ")
}

// regional is a command of Inspector in a Region, for an account to run.
func regional(role muster.RemedyRole, by arn.AccountID, region arn.Region, command string, needs []need, args ...string) remedy {
	return remedy{role: role, account: by, command: aws("inspector2", command, append([]string{"--region", string(region)}, args...)...), needs: needs}
}

// inspectorNeed is the permission for an operation of Inspector.
func inspectorNeed(account arn.AccountID, region arn.Region, operation, path string) need {
	return need{action: "inspector2:" + operation, resource: arn.New("inspector2", region, account, path)}
}

func (p problem) show() muster.Problem {
	out := muster.Problem{Code: p.code, Severity: p.severity, Explanation: p.text, Remedies: []muster.Remedy{}}
	if p.about.Count > 0 {
		out.AccountCount = new(int64(p.about.Count))
		for _, a := range p.about.Accounts {
			out.AccountIds = append(out.AccountIds, string(a))
		}
	}
	for _, r := range p.remedies {
		shown := muster.Remedy{Role: r.role, Command: r.command}
		if r.account != "" {
			shown.AccountId = new(string(r.account))
		}
		out.Remedies = append(out.Remedies, shown)
	}
	return out
}

func showAll(list []problem) []muster.Problem {
	out := make([]muster.Problem, len(list))
	for i, p := range list {
		out[i] = p.show()
	}
	return out
}

// healthy reports whether nothing has to be mended.
func healthy(list []problem) bool {
	for _, p := range list {
		if p.severity != muster.SeverityInfo {
			return false
		}
	}
	return true
}

// grant is the command that gives a principal permissions, or empty for root
// users, to whom nothing can be given. The policy has a name of the problem's
// own, so that granting one thing takes nothing back.
func grant(who arn.Principal, code muster.ProblemCode, actions []string) string {
	kind, name := holder(who)
	if kind == "" {
		return ""
	}
	document, err := json.Marshal(map[string]any{
		"Version":   "2012-10-17",
		"Statement": []any{map[string]any{"Effect": "Allow", "Action": actions, "Resource": "*"}},
	})
	if err != nil {
		return "" // strings always encode
	}
	policy := "inspector-" + strings.ToLower(strings.ReplaceAll(string(code), "_", "-"))
	return aws("iam", "put-"+kind+"-policy", "--"+kind+"-name", name, "--policy-name", policy, "--policy-document", "'"+string(document)+"'")
}

// holder is the user or role that carries a principal's policies.
func holder(who arn.Principal) (kind, name string) {
	resource := string(who.ARN)
	resource = resource[strings.LastIndex(resource, ":")+1:]
	parts := strings.Split(resource, "/")
	switch {
	case parts[0] == "user" && len(parts) > 1:
		return "user", parts[len(parts)-1]
	case parts[0] == "assumed-role" && len(parts) > 1:
		return "role", parts[1]
	}
	return "", ""
}

// are is "1 account is" or "n accounts are".
func are(n int) string {
	if n == 1 {
		return "1 account is"
	}
	return plural(n) + " are"
}

// plural is "1 account" or "n accounts".
func plural(n int) string {
	if n == 1 {
		return "1 account"
	}
	return fmt.Sprintf("%d accounts", n)
}
