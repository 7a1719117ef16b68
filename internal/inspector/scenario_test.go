package inspector_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	api "muster/internal/awsmodel/organizations"
	"muster/internal/iam"
	"muster/internal/inspector"
	"muster/internal/organizations"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
	"muster/internal/store/storetest"
)

// TestScenarios plays the scripts in testdata on both engines; their language
// is explained in testdata/README.md.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	lessons, err := filepath.Glob("testdata/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, lessons...) {
		t.Run(strings.TrimPrefix(strings.TrimSuffix(file, ".txt"), "testdata/"), func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, url string) {
				c := newClock()
				st := storetest.Open(t, url, store.Options{Now: c.Now})
				(&scenario{t: t, file: file, clock: c, store: st}).play()
			})
		})
	}
}

// scenario is one script being played.
type scenario struct {
	t      *testing.T
	file   string
	line   int
	store  *store.Store
	clock  *clock
	config func(*inspector.Config)
	*world

	// management is whose organization new accounts are created in.
	management string
	// caller and region are those of the last "as" line.
	caller string
	region arn.Region
	// token is the last page token.
	token string
}

func (s *scenario) play() {
	text, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		s.line++
		line, _, _ = strings.Cut(strings.TrimRight(line, " \n"), " #")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.statement(line)
	}
}

func (s *scenario) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s:%d: "+format, append([]any{s.file, s.line}, args...)...)
}

// statement plays one line: an indented one is a call.
func (s *scenario) statement(line string) {
	ask, want, checked := strings.Cut(line, "→")
	words := strings.Fields(ask)
	var got string
	switch {
	case words[0] == "setting":
		s.setting(words[1], words[2])
		return
	case s.world == nil:
		s.world = newWorld(s.t, s.store, s.clock, s.config)
		s.statement(line)
		return
	case strings.HasPrefix(line, " "):
		got = s.perform(words[0], words[1:])
	default:
		got = s.arrange(words)
	}
	want = strings.TrimSpace(want)
	switch {
	case checked && got != want:
		s.failf("%s\n got  %s\n want %s", strings.TrimSpace(ask), got, want)
	case !checked && (strings.HasPrefix(got, "4") || strings.HasPrefix(got, "internal")):
		s.failf("%s\n refused %s", strings.TrimSpace(ask), got)
	}
}

// setting adjusts the desk before the scenario begins.
func (s *scenario) setting(name, value string) {
	former := s.config
	s.config = func(c *inspector.Config) {
		if former != nil {
			former(c)
		}
		switch name {
		case "members":
			c.MemberLimit, _ = strconv.Atoi(value)
		case "activate-administrator":
			c.ActivateAdministrator = value == "true"
		case "enabling", "disabling", "created":
			d, err := time.ParseDuration(value)
			if err != nil {
				s.failf("%v", err)
			}
			if c.Transitions == nil {
				c.Transitions = map[string]time.Duration{}
			}
			c.Transitions[strings.ToUpper(name)] = d
		case "fails":
			account, rest, _ := strings.Cut(value, ":")
			scan, code, _ := strings.Cut(rest, ":")
			c.Activation = func(_ context.Context, a arn.AccountID, _ arn.Region, t activation.ScanType) (inspector2.ErrorCode, string) {
				if s.names[a] != account || string(t) != scan {
					return "", ""
				}
				return inspector2.ErrorCode(code), "it was told to fail"
			}
		case "regions":
			c.Regions = nil
			for r := range strings.SplitSeq(value, ",") {
				c.Regions = append(c.Regions, arn.Region(r))
			}
		case "unavailable":
			region, scan, _ := strings.Cut(value, ":")
			c.Unavailable = func(r arn.Region, t activation.ScanType) bool { return string(r) == region && string(t) == scan }
		default:
			s.failf("unknown setting %s", name)
		}
	}
}

// arrange plays what is no call of an operation of Inspector, and returns what
// it answers, if anything.
func (s *scenario) arrange(words []string) string {
	switch words[0] {
	case "organization":
		s.management = words[1]
		s.organize(words[1], api.OrganizationFeatureSetAll)
	case "billing-organization":
		s.management = words[1]
		s.organize(words[1], api.OrganizationFeatureSetConsolidatedBilling)
	case "alone":
		s.signUp(words[1])
	case "joins":
		for _, name := range words[1:] {
			s.create(s.management, name)
		}
	case "state":
		s.setState(words[1], directory.State(words[2]))
	case "as":
		s.caller, s.region = words[1], arn.Region(strings.TrimSuffix(words[3], ":"))
	case "settle":
		s.settle()
	case "later":
		d, err := time.ParseDuration(words[1])
		s.must(err)
		s.clock.advance(d)
	case "deny":
		s.access.denied = words[1:]
	default:
		return s.ask(words)
	}
	return ""
}

// ask plays the questions that a scenario has beside the operations.
func (s *scenario) ask(words []string) string {
	switch words[0] {
	case "asked":
		return orNothing(s.asked(), ", ")
	case "roles":
		return s.roles(words[1])
	case "uses":
		return s.roleUse(words[1])
	case "sees":
		return s.scope(words[1], arn.Region(words[3]))
	case "administers":
		return s.administrator(words[1], arn.Region(words[3]))
	case "events":
		return s.events(words[1])
	case "covers", "finding", "scan", "opts", "invited", "restart":
		return s.happen(words)
	case "rule":
		return s.rule(words[1], words[3], arn.Region(words[5]))
	}
	s.failf("unknown statement %q", words[0])
	return ""
}

func orNothing(list []string, separator string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, separator)
}

// roles lists the service-linked roles of an account.
func (s *scenario) roles(name string) string {
	var list []string
	for _, principal := range []string{organizations.InspectorPrincipal, "agentless." + organizations.InspectorPrincipal} {
		s.must(s.store.View(s.t.Context(), func(tx *store.Tx) error {
			has, err := iam.HasServiceLinkedRole(s.t.Context(), tx, arn.AccountID(s.id(name)), principal)
			if has {
				list = append(list, principal)
			}
			return err
		}))
	}
	return orNothing(list, ", ")
}

// roleUse lists what keeps an account's roles from being deleted.
func (s *scenario) roleUse(name string) string {
	var list []string
	s.must(s.store.View(s.t.Context(), func(tx *store.Tx) error {
		uses, err := s.desk.InUse(s.t.Context(), tx, arn.AccountID(s.id(name)), organizations.InspectorPrincipal)
		for _, use := range uses {
			text := string(use.Region)
			for _, resource := range use.Resources {
				text += " of " + string(resource)
			}
			list = append(list, organizationID.ReplaceAllString(s.named(text), "o-x"))
		}
		return err
	}))
	return orNothing(list, ", ")
}

var organizationID = regexp.MustCompile(`o-[a-z0-9]{10}`)

// scope lists the accounts whose data an account may see in a Region.
func (s *scenario) scope(name string, region arn.Region) string {
	ctx := s.t.Context()
	var list []string
	s.must(s.store.View(ctx, func(tx *store.Tx) error {
		list = []string{name}
		scope, err := inspector.VisibleAccounts(ctx, tx, arn.AccountID(s.id(name)), region)
		if err != nil || !scope.Administrator {
			return err
		}
		members, err := activation.MembersPage(ctx, tx, scope.Own, region, "", 1000)
		for _, m := range members {
			list = append(list, s.names[m.Account])
		}
		return err
	}))
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// rule tells whether an account may make a call about a stored rule.
func (s *scenario) rule(op, name string, region arn.Region) string {
	err := s.store.View(s.t.Context(), func(tx *store.Tx) error {
		return inspector.PermitRule(s.t.Context(), tx, s.call(name, region), op)
	})
	if err != nil {
		return s.describe(err)
	}
	return "permitted"
}

// administrator names whose suppression rules apply to an account beside its
// own.
func (s *scenario) administrator(name string, region arn.Region) string {
	var account arn.AccountID
	err := s.store.View(s.t.Context(), func(tx *store.Tx) (err error) {
		account, err = activation.AdministratorOf(s.t.Context(), tx, arn.AccountID(s.id(name)), region)
		return err
	})
	if err != nil {
		return "nobody"
	}
	return s.names[account]
}

// events lists the details of an account's events.
func (s *scenario) events(name string) string {
	var list []string
	s.must(s.store.View(s.t.Context(), func(tx *store.Tx) error {
		events, err := tx.Events(s.t.Context(), s.id(name), "", 100)
		for _, e := range events {
			list = append(list, e.Region+" "+e.DetailType+" "+string(e.Detail))
		}
		return err
	}))
	return orNothing(list, "; ")
}
