package story

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	musters "muster/internal/cli"
	"muster/internal/client"
)

// TestDoctorMendsWhatItNames breaks organizations, asks muster doctor, runs
// what it prints through the AWS CLI, and asks again, until it says healthy.
// It is not parallel, as the command takes credentials from the environment.
func TestDoctorMendsWhatItNames(t *testing.T) {
	aws := findCLI(t)
	for engine, database := range engines {
		t.Run(engine, func(t *testing.T) {
			w, err := newWorld(t.TempDir(), database(t), aws)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(w.close)
			p := &patient{t: t, world: w, by: map[string]string{w.management: "management"}, args: []string{"--regions", "us-east-1,eu-west-1"}}
			p.alone()
			p.organization()
			p.broken()
			p.rollout()
			p.helpless()
		})
	}
}

// patient is a world that is ill.
type patient struct {
	*world
	t *testing.T
	// by is the profile of each account's administrator.
	by map[string]string
	// args are further arguments of the doctor.
	args []string
	// ran are the commands that were run, without the server's address.
	ran []string
}

func (p *patient) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// ask runs muster doctor as a profile and returns what it prints and its exit
// code.
func (p *patient) ask(profile string, args ...string) (string, int) {
	p.t.Helper()
	file := filepath.Join(p.dir, "doctor-credentials")
	c := p.profiles[profile]
	body := fmt.Sprintf("[doctor]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.id, c.secret)
	if c.token != "" {
		body += "aws_session_token = " + c.token + "\n"
	}
	p.must(os.WriteFile(file, []byte(body), 0o600))
	p.t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	p.t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	p.t.Setenv("AWS_PROFILE", "doctor")
	p.t.Setenv("AWS_ENDPOINT_URL", p.endpoint)
	p.t.Setenv("AWS_REGION", "us-east-1")
	return p.muster(append([]string{"doctor"}, args...)...)
}

// muster runs a command as the profile that was asked as last.
func (p *patient) muster(args ...string) (string, int) {
	var stdout, stderr bytes.Buffer
	code := musters.Main(args, &stdout, &stderr)
	return stdout.String() + stderr.String(), code
}

// diagnose asks for JSON.
func (p *patient) diagnose(profile string) (client.Diagnosis, int) {
	p.t.Helper()
	out, code := p.ask(profile, append([]string{"--format", "json"}, p.args...)...)
	var d client.Diagnosis
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		p.t.Fatalf("muster doctor ended with %d and said %s", code, out)
	}
	return d, code
}

// heal runs what the doctor says until it is healthy, and returns the codes of
// the problems that were met, each once, in order.
func (p *patient) heal(profile string) string {
	p.t.Helper()
	var met []string
	for deadline := time.Now().Add(time.Minute); ; {
		d, code := p.diagnose(profile)
		problem, region := firstProblem(d)
		if problem == nil {
			if code != 0 {
				p.t.Errorf("healthy with exit code %d", code)
			}
			return strings.Join(met, " ")
		}
		if code != 1 {
			p.t.Errorf("%s with exit code %d", problem.Code, code)
		}
		if what := strings.TrimSpace(problem.Code + " " + region); len(met) == 0 || met[len(met)-1] != what {
			met = append(met, what)
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("not healthy after a minute: %+v; ran\n%s", problem, strings.Join(p.ran, "\n"))
		}
		for _, m := range problem.Remedies {
			p.run(m)
		}
	}
}

func firstProblem(d client.Diagnosis) (*client.Problem, string) {
	for i, problem := range d.Problems {
		if problem.Severity != "INFO" {
			return &d.Problems[i], ""
		}
	}
	for _, r := range d.Regions {
		for i, problem := range r.Problems {
			if problem.Severity != "INFO" {
				return &r.Problems[i], r.Region
			}
		}
	}
	return nil, ""
}

// run runs a command as whoever is to run it.
func (p *patient) run(m client.Remedy) {
	p.t.Helper()
	if m.Command == "muster feeds sync" {
		p.must(mirror("testdata/advisories", filepath.Join(p.dir, "feeds")))
		_, err := p.server.SyncFeeds(p.t.Context(), nil)
		p.must(err)
		return
	}
	words := shellWords(m.Command)
	if words[0] == "muster" && words[1] == "rollout" {
		return // does at once what the commands before it did one by one
	}
	profile, ok := p.by[m.AccountID]
	if !ok || words[0] != "aws" {
		p.t.Fatalf("who runs %+v?", m)
	}
	p.ran = append(p.ran, m.Command)
	a, err := p.aws.call(p.profiles[profile], words[1:])
	p.must(err)
	if a.Code != 0 {
		p.t.Fatalf("%s\n%s", m.Command, a.Stderr)
	}
}

// shellWords splits a command as a shell does, single quotes included.
func shellWords(command string) (words []string) {
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

func (p *patient) want(got, want string) {
	p.t.Helper()
	if want = strings.Join(strings.Fields(want), " "); got != want {
		p.t.Errorf("met\n%s\nwant\n%s", got, want)
	}
}

// alone: an account without an organization.
func (p *patient) alone() {
	p.t.Helper()
	p.want(p.heal("management"), "ADVISORIES_MISSING ACCOUNT_NOT_ACTIVE eu-west-1 ACCOUNT_NOT_ACTIVE us-east-1")
	d, _ := p.diagnose("management")
	if len(d.Problems) != 1 || d.Problems[0].Code != "ORGANIZATION_MISSING" {
		p.t.Fatalf("alone: %+v", d.Problems)
	}
	command := d.Problems[0].Remedies[0]
	command.Command = strings.ReplaceAll(command.Command, "ALL", "CONSOLIDATED_BILLING")
	p.run(command)
}

// organization: from consolidated billing to everybody scanned in two Regions,
// by the printed commands alone.
func (p *patient) organization() {
	p.t.Helper()
	for _, name := range []string{"workload", "audit"} {
		id, err := p.createAccount(name)
		p.must(err)
		p.must(p.enter(name, "management", id))
		p.by[id], p.accounts[name] = name, id
	}
	p.want(p.heal("management"), `NOT_ALL_FEATURES TRUSTED_ACCESS_OFF
		NO_DELEGATED_ADMINISTRATOR eu-west-1 ADMINISTRATOR_NOT_ACTIVE eu-west-1 MEMBERS_NOT_ASSOCIATED eu-west-1
		MEMBERS_SCAN_TYPES_OFF eu-west-1 AUTO_ENABLE_OFF eu-west-1
		NO_DELEGATED_ADMINISTRATOR us-east-1 ADMINISTRATOR_NOT_ACTIVE us-east-1 MEMBERS_NOT_ASSOCIATED us-east-1
		MEMBERS_SCAN_TYPES_OFF us-east-1 AUTO_ENABLE_OFF us-east-1`)
	if d, _ := p.diagnose("audit"); d.Standing != "DELEGATED_ADMINISTRATOR" {
		p.t.Errorf("the account called audit should have become the administrator: %+v", d)
	}
	if out, code := p.ask("workload", p.args...); code != 3 || !strings.Contains(out, "Invoking account does not have access to diagnose the organization") {
		p.t.Errorf("a member asks: %d %s", code, out)
	}
	out, code := p.ask("management", p.args...)
	if code != 0 || !strings.Contains(out, "us-east-1: delegated administrator "+p.accounts["audit"]+", 2 of 2 other accounts are members\n  OK\n") || !strings.HasSuffix(out, "\nHealthy.\n") {
		p.t.Errorf("in words: %d\n%s", code, out)
	}
}

// broken: each way in which a set-up comes apart.
func (p *patient) broken() {
	p.t.Helper()
	audit, workload := p.accounts["audit"], p.accounts["workload"]
	for _, c := range []struct{ profile, command, want string }{
		{"audit", "inspector2 disassociate-member --account-id " + workload, "MEMBERS_NOT_ASSOCIATED us-east-1"},
		{"audit", "inspector2 disable --account-ids " + workload + " --resource-types ECR LAMBDA", "MEMBERS_SCAN_TYPES_OFF us-east-1"},
		{"audit", "inspector2 update-organization-configuration --auto-enable ec2=false,ecr=true", "AUTO_ENABLE_OFF us-east-1"},
		{"management", "inspector2 disable-delegated-admin-account --delegated-admin-account-id " + audit,
			"NO_DELEGATED_ADMINISTRATOR us-east-1 MEMBERS_NOT_ASSOCIATED us-east-1 AUTO_ENABLE_OFF us-east-1"},
		{"management", "organizations disable-aws-service-access --service-principal inspector2.amazonaws.com",
			`TRUSTED_ACCESS_OFF NO_DELEGATED_ADMINISTRATOR eu-west-1 MEMBERS_NOT_ASSOCIATED eu-west-1 AUTO_ENABLE_OFF eu-west-1
			NO_DELEGATED_ADMINISTRATOR us-east-1 MEMBERS_NOT_ASSOCIATED us-east-1 AUTO_ENABLE_OFF us-east-1`},
	} {
		p.must(p.answerTo(c.profile, nil, strings.Fields(c.command)...))
		// What is being removed or switched off takes its time.
		got := strings.ReplaceAll(p.heal("management"), "REMOVAL_IN_PROGRESS us-east-1 ", "")
		got = strings.ReplaceAll(got, "REMOVAL_IN_PROGRESS eu-west-1 ", "")
		p.want(got, c.want)
	}
}

// rollout: one command instead of the many that the doctor prints.
func (p *patient) rollout() {
	p.t.Helper()
	for _, account := range []string{p.accounts["workload"], p.management} {
		p.must(p.answerTo("audit", nil, "inspector2", "disassociate-member", "--account-id", account))
	}
	if out, code := p.ask("audit", p.args...); code != 1 || !strings.Contains(out, "  muster rollout enable --region us-east-1 --types EC2,ECR,LAMBDA --endpoint-url http") {
		p.t.Errorf("the doctor names no rollout: %d\n%s", code, out)
	}
	regions := []string{"--regions", "us-east-1,eu-west-1"}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, "for 3 accounts: SUCCEEDED", append([]string{"rollout", "enable", "--types", "EC2,ECR,LAMBDA"}, regions...)},
		{0, "for 1 accounts: SUCCEEDED", []string{"rollout", "enable", "--types", "lambda-code", "--name", "WORK*"}},
		{1, "DISASSOCIATE_ALL_MEMBERS", append([]string{"rollout", "disable", "--types", "EC2,ECR,LAMBDA", "--accounts", p.accounts["audit"]}, regions...)},
		{1, "ap-south-1      REFUSED                 0 succeeded, 0 failed, ACCESS_DENIED: Invoking account is not the delegated admin account in ap-south-1\n  us-east-1       SUCCEEDED               3 succeeded",
			[]string{"rollout", "enable", "--types", "EC2,ECR,LAMBDA", "--name", "*", "--regions", "us-east-1,ap-south-1"}},
		{2, "No account of the organization matches the target.", []string{"rollout", "enable", "--types", "EC2", "--tags", "no=body"}},
		{2, "is not KEY=VALUE", []string{"rollout", "enable", "--types", "EC2", "--tags", "nobody"}},
		{2, "failed to satisfy constraint", []string{"rollout", "enable", "--types", "EC3"}},
		{2, "--types is needed", []string{"rollout", "enable"}},
		{1, "There is no rollout rollout-0.", []string{"rollout", "status", "rollout-0"}},
		{0, "enable  EC2,ECR,LAMBDA  3 accounts, 2 Regions  SUCCEEDED", []string{"rollout", "list"}},
	} {
		out, code := p.muster(c.args...)
		if code != c.code || !strings.Contains(out, c.want) {
			p.t.Errorf("muster %v: exit %d, want %d with %q; it said\n%s", c.args, code, c.code, c.want, out)
		}
	}
	p.want(p.heal("audit"), "MEMBERS_SCAN_TYPES_OFF eu-west-1")
}

// helpless: a caller who may ask and nothing else is told what it lacks, and
// what permits it.
func (p *patient) helpless() {
	p.t.Helper()
	p.must(p.user("helper", "management", nil))
	p.must(p.answerTo("management", nil, "iam", "put-user-policy", "--user-name", "helper", "--policy-name", "ask",
		"--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"muster:DiagnoseOrganization","Resource":"*"}]}`))
	p.must(p.answerTo("management", nil, "organizations", "disable-aws-service-access", "--service-principal", "inspector2.amazonaws.com"))
	got := p.heal("helper")
	if !strings.HasPrefix(got, "CALLER_LACKS_PERMISSION TRUSTED_ACCESS_OFF") || !strings.Contains(got, "CALLER_LACKS_PERMISSION eu-west-1 NO_DELEGATED_ADMINISTRATOR eu-west-1") {
		p.t.Errorf("met %s", got)
	}
}
