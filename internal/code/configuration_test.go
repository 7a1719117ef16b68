package code_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/code"
	"muster/internal/inspector/tagging"
	"muster/internal/store"
	"muster/internal/store/activation"
	"muster/internal/store/directory"
)

// TestConfigurations: what may be configured, and what is refused in words.
func TestConfigurations(t *testing.T) {
	each(t, false, func(w *world) {
		create := func(change func(c *inspector2.CodeSecurityScanConfiguration)) error {
			c := onPush()
			change(c)
			_, err := w.desk.CreateCodeSecurityScanConfiguration(w.Context(), w.call(), &inspector2.CreateCodeSecurityScanConfigurationInput{Name: "x", Level: inspector2.ConfigurationLevelAccount, Configuration: c})
			return err
		}
		expression := func(frequency inspector2.PeriodicScanFrequency, text string) func(c *inspector2.CodeSecurityScanConfiguration) {
			return func(c *inspector2.CodeSecurityScanConfiguration) {
				c.PeriodicScanConfiguration = &inspector2.PeriodicScanConfiguration{Frequency: frequency, FrequencyExpression: &text}
			}
		}
		var wrong *inspector2.ValidationException
		for name, change := range map[string]func(c *inspector2.CodeSecurityScanConfiguration){
			"nothing that is looked for": func(c *inspector2.CodeSecurityScanConfiguration) {
				c.RuleSetCategories = []inspector2.RuleSetCategory{inspector2.RuleSetCategoryIac}
			},
			"twice the same": func(c *inspector2.CodeSecurityScanConfiguration) {
				c.RuleSetCategories = []inspector2.RuleSetCategory{inspector2.RuleSetCategorySca, inspector2.RuleSetCategorySca}
			},
			"daily, called weekly":   expression(inspector2.PeriodicScanFrequencyWeekly, "cron(0 0 ? * * *)"),
			"weekly, called monthly": expression(inspector2.PeriodicScanFrequencyMonthly, "cron(0 0 ? * SUN *)"),
			"never at all":           expression(inspector2.PeriodicScanFrequencyWeekly, "cron(0 0 30 2 ? *)"),
			"no expression":          expression(inspector2.PeriodicScanFrequencyWeekly, "every day"),
			"an expression of NEVER": expression(inspector2.PeriodicScanFrequencyNever, "cron(0 0 ? * SUN *)"),
		} {
			if err := create(change); !errors.As(err, &wrong) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := create(expression(inspector2.PeriodicScanFrequencyMonthly, "cron(0 5 L * ? *)")); err != nil {
			t.Error(err)
		}
		var conflict *inspector2.ConflictException
		if err := create(func(*inspector2.CodeSecurityScanConfiguration) {}); !errors.As(err, &conflict) {
			t.Errorf("a name twice: %v", err)
		}
	})
}

// TestAssociations: single projects follow the configurations that they are
// associated with.
func TestAssociations(t *testing.T) {
	each(t, false, func(w *world) {
		for _, name := range []string{"team/a", "team/b"} {
			w.gitlab.Add(w, name)
			w.gitlab.Commit(w, name+".git", "", lock("lodash", "4.17.20"))
		}
		w.connect()
		c := w.configure(onPush(), "")
		w.pass(0)
		a, b := w.projects()["team/a"], w.projects()["team/b"]
		unknown := "project-00000000-0000-0000-0000-000000000000"
		associate := func(id string) (good, bad int, code inspector2.AssociationResultStatusCode) {
			out, err := w.desk.BatchAssociateCodeSecurityScanConfiguration(w.Context(), w.call(), &inspector2.BatchAssociateCodeSecurityScanConfigurationInput{
				AssociateConfigurationRequests: []inspector2.AssociateConfigurationRequest{{ScanConfigurationArn: c, Resource: &inspector2.CodeSecurityResource{ProjectId: &id}}}})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range out.FailedAssociations {
				code = f.StatusCode
			}
			return len(out.SuccessfulAssociations), len(out.FailedAssociations), code
		}
		if good, _, _ := associate(a.ID); good != 1 {
			t.Error("the association failed")
		}
		if good, bad, code := associate(unknown); good != 0 || bad != 1 || code != inspector2.AssociationResultStatusCodeResourceNotFound {
			t.Errorf("an unknown project: %d good, %d bad, %s", good, bad, code)
		}
		w.pass(0)
		w.expect(a, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		w.expect(b, "INACTIVE NO_SCAN_CONFIGURATION_ASSOCIATED")
		list, err := w.desk.ListCodeSecurityScanConfigurationAssociations(w.Context(), w.call(), &inspector2.ListCodeSecurityScanConfigurationAssociationsInput{ScanConfigurationArn: c})
		if err != nil || len(list.Associations) != 1 || *list.Associations[0].Resource.ProjectId != a.ID {
			t.Errorf("associations: %+v, %v", list, err)
		}

		// Every Sunday the commit is compared; it is scanned after a week only.
		w.pass(2 * 24 * time.Hour)
		w.pass(7 * 24 * time.Hour)
		if got := w.projects()["team/a"]; !got.ScannedAt.After(w.now.Add(-time.Hour)) {
			t.Errorf("last scanned %s, now %s", got.ScannedAt, w.now)
		}

		// What no configuration holds for any more keeps its findings.
		if _, err := w.desk.DeleteCodeSecurityScanConfiguration(w.Context(), w.call(), &inspector2.DeleteCodeSecurityScanConfigurationInput{ScanConfigurationArn: c}); err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		w.expect(a, "INACTIVE NO_SCAN_CONFIGURATION_ASSOCIATED lodash@4.17.20 ACTIVE")
	})
}

const (
	administrator = arn.AccountID("222222222222")
	management    = arn.AccountID("333333333333")
	organization  = directory.OrganizationID("o-aaaaaaaaaa")
)

// organize makes an organization of which account is an associated member.
func (w *world) organize() {
	w.Helper()
	w.update(func(ctx context.Context, tx *store.Tx) error {
		err := directory.InsertOrganization(ctx, tx, directory.Organization{ID: organization, Management: management, FeatureSet: directory.AllFeatures, Root: "r-aaaa", CreatedAt: w.now})
		for _, id := range []arn.AccountID{management, administrator, account} {
			err = errors.Join(err,
				directory.InsertAccount(ctx, tx, directory.Account{ID: id, Email: string(id) + "@example.com", Name: string(id), State: directory.Active, CreatedAt: w.now}),
				directory.AddMember(ctx, tx, organization, id, "r-aaaa", directory.Created, w.now))
		}
		return errors.Join(err,
			activation.InsertDesignation(ctx, tx, activation.Designation{Org: organization, Region: region, Account: administrator, Status: activation.Designated, DesignatedAt: w.now}),
			activation.PutMember(ctx, tx, activation.Member{Administrator: administrator, Region: region, Account: account, Relationship: activation.Associated, UpdatedAt: w.now}))
	})
}

// TestOrganization: the delegated administrator configures scans of all
// members, who read that and cannot change it; it ends with the association.
func TestOrganization(t *testing.T) {
	each(t, false, func(w *world) {
		w.organize()
		w.gitlab.Add(w, "team/app")
		w.gitlab.Commit(w, "team/app.git", "", lock("lodash", "4.17.20"))
		w.connect()
		w.pass(0)
		app := w.projects()["team/app"]
		w.expect(app, "INACTIVE NO_SCAN_CONFIGURATION_ASSOCIATED")
		in := &inspector2.CreateCodeSecurityScanConfigurationInput{Name: "all", Level: inspector2.ConfigurationLevelOrganization, Configuration: onPush(),
			ScopeSettings: &inspector2.ScopeSettings{ProjectSelectionScope: inspector2.ProjectSelectionScopeAll}}
		var denied *inspector2.AccessDeniedException
		if _, err := w.desk.CreateCodeSecurityScanConfiguration(w.Context(), w.call(), in); !errors.As(err, &denied) {
			t.Errorf("a member configures the organization: %v", err)
		}
		out, err := w.desk.CreateCodeSecurityScanConfiguration(w.Context(), w.callOf(administrator), in)
		if err != nil {
			t.Fatal(err)
		}
		w.pass(0)
		w.expect(app, "ACTIVE SUCCESSFUL lodash@4.17.20 ACTIVE")
		seen, err := w.desk.GetCodeSecurityScanConfiguration(w.Context(), w.call(), &inspector2.GetCodeSecurityScanConfigurationInput{ScanConfigurationArn: out.ScanConfigurationArn})
		if err != nil || seen.Level != inspector2.ConfigurationLevelOrganization {
			t.Errorf("a member reads: %+v, %v", seen, err)
		}
		list, err := w.desk.ListCodeSecurityScanConfigurations(w.Context(), w.call(), &inspector2.ListCodeSecurityScanConfigurationsInput{})
		if err != nil || len(list.Configurations) != 1 || list.Configurations[0].OwnerAccountId != string(organization) {
			t.Errorf("a member lists: %+v, %v", list, err)
		}
		if _, err := w.desk.DeleteCodeSecurityScanConfiguration(w.Context(), w.call(), &inspector2.DeleteCodeSecurityScanConfigurationInput{ScanConfigurationArn: out.ScanConfigurationArn}); !errors.As(err, &denied) {
			t.Errorf("a member deletes: %v", err)
		}
		w.update(func(ctx context.Context, tx *store.Tx) error {
			return activation.PutMember(ctx, tx, activation.Member{Administrator: administrator, Region: region, Account: account, Relationship: activation.Removed, UpdatedAt: w.now})
		})
		w.pass(15 * time.Minute)
		w.expect(app, "INACTIVE NO_SCAN_CONFIGURATION_ASSOCIATED lodash@4.17.20 ACTIVE")
	})
}

// TestTags: integrations and configurations of an account can be tagged.
func TestTags(t *testing.T) {
	each(t, false, func(w *world) {
		w.gitlab.Add(w, "team/app")
		i := w.connect()
		c := w.configure(onPush(), "")
		tags := tagging.New(w.store, code.Holders())
		for _, resource := range []string{i.IntegrationArn, c} {
			if _, err := tags.TagResource(w.Context(), w.call(), &inspector2.TagResourceInput{ResourceArn: resource, Tags: map[string]string{"k": "v"}}); err != nil {
				t.Error(err)
				continue
			}
			out, err := tags.ListTagsForResource(w.Context(), w.call(), &inspector2.ListTagsForResourceInput{ResourceArn: resource})
			if err != nil || out.Tags["k"] != "v" {
				t.Errorf("%s: %v, %v", resource, out, err)
			}
		}
	})
}
