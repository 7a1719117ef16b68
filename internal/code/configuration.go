package code

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"muster/internal/arn"
	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/code/schedule"
	"muster/internal/inspector/tagging"
	"muster/internal/store"
	"muster/internal/store/activation"
	cellar "muster/internal/store/code"
)

// maxConfigurations is how many configurations an account has in a Region.
const maxConfigurations = 100

// CreateCodeSecurityScanConfiguration makes a configuration: of the caller's
// account, or of its organization where it is the delegated administrator.
// With the scope ALL it holds for every project there is and will be.
func (s *Service) CreateCodeSecurityScanConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.CreateCodeSecurityScanConfigurationInput) (*inspector2.CreateCodeSecurityScanConfigurationOutput, error) {
	body, err := bodyOf(in.Configuration, call.Time)
	if err != nil {
		return nil, err
	}
	if err := tagging.Check(in.Tags); err != nil {
		return nil, err
	}
	c := cellar.Configuration{At: own(call), Name: in.Name, Owner: string(call.Account()), Body: body, Tags: in.Tags, CreatedAt: call.Time, UpdatedAt: call.Time}
	if in.ScopeSettings != nil {
		c.Scope = string(in.ScopeSettings.ProjectSelectionScope)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if in.Level == inspector2.ConfigurationLevelOrganization {
			if err := forOrganization(ctx, tx, &c); err != nil {
				return err
			}
		}
		if err := roomForConfiguration(ctx, tx, &c); err != nil {
			return err
		}
		c.ID = newUUID(tx)
		if err := cellar.InsertConfiguration(ctx, tx, c); err != nil || c.Scope == "" {
			return err
		}
		return s.arrangeFor(ctx, tx, &c, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &inspector2.CreateCodeSecurityScanConfigurationOutput{ScanConfigurationArn: string(c.ARN())}, nil
}

// forOrganization makes a configuration one of the caller's organization.
// Those cannot be tagged (scanning specification 13).
func forOrganization(ctx context.Context, tx *store.Tx, c *cellar.Configuration) error {
	if len(c.Tags) > 0 {
		return invalid("tags", "A configuration of the level ORGANIZATION cannot have tags.")
	}
	st, err := activation.StandingOf(ctx, tx, c.Account, c.Region)
	if errors.Is(err, store.ErrNotFound) || err == nil && st.Administrator != c.Account {
		return &inspector2.AccessDeniedException{Message: "Only the delegated administrator configures scans of the whole organization."}
	}
	c.Owner = string(st.Organization)
	return err
}

func roomForConfiguration(ctx context.Context, tx *store.Tx, c *cellar.Configuration) error {
	other, err := cellar.ConfigurationNamed(ctx, tx, c.At, c.Name)
	if err == nil {
		return &inspector2.ConflictException{Message: "There is a scan configuration named " + c.Name + " already.", ResourceId: string(other.ARN()), ResourceType: "CodeSecurityScanConfiguration"}
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	n, err := cellar.CountConfigurations(ctx, tx, c.At)
	if err == nil && n >= maxConfigurations {
		err = &inspector2.ServiceQuotaExceededException{Message: fmt.Sprintf("An account has at most %d scan configurations in a Region.", maxConfigurations), ResourceId: c.Name}
	}
	return err
}

// bodyOf checks what a configuration says. One that names nothing that muster
// looks for would make its user believe in scans that find nothing.
func bodyOf(in *inspector2.CodeSecurityScanConfiguration, now time.Time) (b cellar.Body, err error) {
	const field = "configuration.ruleSetCategories"
	for _, c := range in.RuleSetCategories {
		if slices.Contains(b.Categories, string(c)) {
			return b, invalid(field, "The category %s stands twice.", c)
		}
		b.Categories = append(b.Categories, string(c))
	}
	if !slices.Contains(b.Categories, sca) {
		return b, invalid(field, "This server looks for packages with known vulnerabilities (SCA); it has no rules for SAST and IAC. Name SCA among the categories.")
	}
	if c := in.ContinuousIntegrationScanConfiguration; c != nil {
		for _, e := range c.SupportedEvents {
			if !slices.Contains(b.Events, string(e)) {
				b.Events = append(b.Events, string(e))
			}
		}
	}
	if p := in.PeriodicScanConfiguration; p != nil {
		b.Frequency = string(p.Frequency)
		if p.FrequencyExpression != nil {
			b.Expression = *p.FrequencyExpression
		}
		err = checkPeriod(&b, now)
	}
	return b, err
}

// checkPeriod holds an expression to its frequency: for a year of days it may
// not fall due more often.
func checkPeriod(b *cellar.Body, now time.Time) error {
	const field = "configuration.periodicScanConfiguration.frequencyExpression"
	if b.Expression == "" {
		return nil
	}
	apart := map[string]time.Duration{"WEEKLY": 7 * 24 * time.Hour, "MONTHLY": 28 * 24 * time.Hour}[b.Frequency]
	if apart == 0 {
		return invalid(field, "An expression goes with the frequency WEEKLY or MONTHLY.")
	}
	s, err := schedule.Parse(b.Expression)
	if err != nil {
		return invalid(field, "The expression cannot be read: %s.", err)
	}
	at, ok := s.Next(now)
	if !ok {
		return invalid(field, "The expression never falls due.")
	}
	for range 53 {
		next, ok := s.Next(at)
		if !ok {
			break
		}
		if next.Sub(at) < apart {
			return invalid(field, "The expression falls due more often than %s.", b.Frequency)
		}
		at = next
	}
	return nil
}

// configuration finds a configuration by its ARN: one of the caller's own, or
// its organization's.
func configuration(ctx context.Context, tx *store.Tx, call *awsmodel.Call, text string) (cellar.Configuration, error) {
	at, owner, id, ok := parse(text, configurationKind)
	missing := notFound("scan configuration", text)
	if !ok || at.Region != call.Region {
		return cellar.Configuration{}, missing
	}
	c, err := cellar.LookupConfiguration(ctx, tx, at, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Owner != owner {
		return c, missing
	}
	if err != nil || c.Account == call.Account() {
		return c, err
	}
	organization, administrator, err := organizationOf(ctx, tx, own(call))
	if err == nil && (!c.Organization() || c.Owner != organization || c.Account != administrator) {
		err = missing
	}
	return c, err
}

// writable is configuration for those who may change it: members of an
// organization read its configurations.
func writable(ctx context.Context, tx *store.Tx, call *awsmodel.Call, text string) (cellar.Configuration, error) {
	c, err := configuration(ctx, tx, call, text)
	if err == nil && c.Account != call.Account() {
		err = &inspector2.AccessDeniedException{Message: "Only the delegated administrator changes scan configurations of the organization."}
	}
	return c, err
}

// GetCodeSecurityScanConfiguration describes a configuration.
func (s *Service) GetCodeSecurityScanConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.GetCodeSecurityScanConfigurationInput) (*inspector2.GetCodeSecurityScanConfigurationOutput, error) {
	c, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Configuration, error) {
		return configuration(ctx, tx, call, in.ScanConfigurationArn)
	})
	if err != nil {
		return nil, err
	}
	out := &inspector2.GetCodeSecurityScanConfigurationOutput{
		ScanConfigurationArn: new(string(c.ARN())), Name: &c.Name, Level: inspector2.ConfigurationLevelAccount, ScopeSettings: scope(&c),
		CreatedAt: &c.CreatedAt, LastUpdatedAt: &c.UpdatedAt, Tags: c.Tags,
		Configuration: &inspector2.CodeSecurityScanConfiguration{RuleSetCategories: words[inspector2.RuleSetCategory](c.Body.Categories)},
	}
	if c.Organization() {
		out.Level = inspector2.ConfigurationLevelOrganization
	}
	if c.Body.Frequency != "" || c.Body.Expression != "" {
		out.Configuration.PeriodicScanConfiguration = &inspector2.PeriodicScanConfiguration{
			Frequency: inspector2.PeriodicScanFrequency(c.Body.Frequency), FrequencyExpression: optional(c.Body.Expression)}
	}
	if len(c.Body.Events) > 0 {
		out.Configuration.ContinuousIntegrationScanConfiguration = &inspector2.ContinuousIntegrationScanConfiguration{
			SupportedEvents: words[inspector2.ContinuousIntegrationScanEvent](c.Body.Events)}
	}
	return out, nil
}

func scope(c *cellar.Configuration) *inspector2.ScopeSettings {
	if c.Scope == "" {
		return nil
	}
	return &inspector2.ScopeSettings{ProjectSelectionScope: inspector2.ProjectSelectionScope(c.Scope)}
}

func words[T ~string](list []string) []T {
	var out []T
	for _, w := range list {
		out = append(out, T(w))
	}
	return out
}

// ListCodeSecurityScanConfigurations lists the caller's configurations and
// those of its organization.
func (s *Service) ListCodeSecurityScanConfigurations(ctx context.Context, call *awsmodel.Call, in *inspector2.ListCodeSecurityScanConfigurationsInput) (*inspector2.ListCodeSecurityScanConfigurationsOutput, error) {
	const op = "ListCodeSecurityScanConfigurations"
	after, err := s.after(call, op, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	var list []cellar.Configuration
	err = s.store.View(ctx, func(tx *store.Tx) error {
		organization, administrator, err := organizationOf(ctx, tx, own(call))
		if err != nil {
			return err
		}
		list, err = cellar.Configurations(ctx, tx, own(call), organization, after, limit+1)
		list = slices.DeleteFunc(list, func(c cellar.Configuration) bool {
			return c.Account != call.Account() && c.Account != administrator
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &inspector2.ListCodeSecurityScanConfigurationsOutput{Configurations: []inspector2.CodeSecurityScanConfigurationSummary{}}
	list, out.NextToken = cut(s, call, op, nil, list, limit, func(c cellar.Configuration) string { return c.ID })
	for _, c := range list {
		out.Configurations = append(out.Configurations, inspector2.CodeSecurityScanConfigurationSummary{
			ScanConfigurationArn: string(c.ARN()), Name: c.Name, OwnerAccountId: c.Owner, PeriodicScanFrequency: inspector2.PeriodicScanFrequency(c.Body.Frequency),
			FrequencyExpression: optional(c.Body.Expression), ContinuousIntegrationScanSupportedEvents: words[inspector2.ContinuousIntegrationScanEvent](c.Body.Events),
			RuleSetCategories: words[inspector2.RuleSetCategory](c.Body.Categories), ScopeSettings: scope(&c), Tags: c.Tags,
		})
	}
	return out, nil
}

// UpdateCodeSecurityScanConfiguration replaces what a configuration says.
func (s *Service) UpdateCodeSecurityScanConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateCodeSecurityScanConfigurationInput) (*inspector2.UpdateCodeSecurityScanConfigurationOutput, error) {
	body, err := bodyOf(in.Configuration, call.Time)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := writable(ctx, tx, call, in.ScanConfigurationArn)
		if err != nil {
			return err
		}
		c.Body, c.UpdatedAt = body, call.Time
		if err := cellar.UpdateConfiguration(ctx, tx, c); err != nil {
			return err
		}
		return s.arrangeFor(ctx, tx, &c, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &inspector2.UpdateCodeSecurityScanConfigurationOutput{ScanConfigurationArn: &in.ScanConfigurationArn}, nil
}

// DeleteCodeSecurityScanConfiguration deletes a configuration and its
// associations.
func (s *Service) DeleteCodeSecurityScanConfiguration(ctx context.Context, call *awsmodel.Call, in *inspector2.DeleteCodeSecurityScanConfigurationInput) (*inspector2.DeleteCodeSecurityScanConfigurationOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := writable(ctx, tx, call, in.ScanConfigurationArn)
		if err != nil {
			return err
		}
		if err := cellar.DeleteConfiguration(ctx, tx, c.At, c.ID); err != nil {
			return err
		}
		return s.arrangeFor(ctx, tx, &c, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &inspector2.DeleteCodeSecurityScanConfigurationOutput{ScanConfigurationArn: &in.ScanConfigurationArn}, nil
}

// arrangement is the payload of JobArrange.
type arrangement struct {
	cellar.At
	// Organization, if set, is whose accounts are meant in place of Account.
	Organization string `json:"organization,omitempty"`
}

// arrangeFor asks for the projects that a configuration governs to follow it.
func (s *Service) arrangeFor(ctx context.Context, tx *store.Tx, c *cellar.Configuration, now time.Time) error {
	organization := ""
	if c.Organization() {
		organization = c.Owner
	}
	return s.askToArrange(ctx, tx, c.At, organization, now)
}

func (s *Service) askToArrange(ctx context.Context, tx *store.Tx, at cellar.At, organization string, now time.Time) error {
	a := arrangement{at, organization}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, store.Job{
		Kind: JobArrange, Key: string(at.Account) + "/" + string(at.Region) + "/" + organization, Account: string(at.Account), Region: string(at.Region), Payload: body, RunAt: now,
	})
}

// arrange is the handler of JobArrange.
func (s *Service) arrange(ctx context.Context, job store.Job) error {
	a, err := payload[arrangement](job)
	if err != nil {
		return err
	}
	if a.Organization == "" {
		return s.arrangeAccount(ctx, a.At)
	}
	for after := arn.AccountID(""); ; {
		list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]arn.AccountID, error) {
			return cellar.Holders(ctx, tx, a.Region, after, atOnce)
		})
		if err != nil || len(list) == 0 {
			return err
		}
		for _, account := range list {
			after = account
			if err := s.arrangeMember(ctx, cellar.At{Account: account, Region: a.Region}, a.Organization); err != nil {
				return err
			}
		}
	}
}

func (s *Service) arrangeMember(ctx context.Context, at cellar.At, organization string) error {
	theirs, err := store.Read(ctx, s.store, func(tx *store.Tx) (string, error) {
		o, _, err := organizationOf(ctx, tx, at)
		return o, err
	})
	if err != nil || theirs != organization {
		return err
	}
	return s.arrangeAccount(ctx, at)
}

// arrangeAccount works out anew how the projects of an account are scanned.
func (s *Service) arrangeAccount(ctx context.Context, at cellar.At) error {
	for after := ""; ; {
		var n int
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			list, err := cellar.Projects(ctx, tx, at, after, atOnce)
			if n = len(list); err != nil {
				return err
			}
			for k := range list {
				if err := s.settleAlone(ctx, tx, &list[k]); err != nil {
					return err
				}
			}
			if n > 0 {
				after = list[n-1].ID
			}
			return nil
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// settleAlone settles a project whose integration is not at hand.
func (s *Service) settleAlone(ctx context.Context, tx *store.Tx, p *cellar.Project) error {
	i, err := cellar.LookupIntegration(ctx, tx, p.At, p.Integration)
	if err != nil {
		return ignore(err, store.ErrNotFound)
	}
	return s.settle(ctx, tx, &i, p, s.now())
}
