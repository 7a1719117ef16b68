package code

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/inspector2"
	"muster/internal/inspector/tagging"
	"muster/internal/source/forge"
	"muster/internal/store"
	cellar "muster/internal/store/code"
)

const (
	// maxIntegrations is how many integrations an account has in a Region.
	maxIntegrations = 100
	// answerWithin is how long a provider may take while somebody waits.
	answerWithin = 30 * time.Second
	// Prefix begins the paths at which providers tell something.
	Prefix = "/code/"
	// integrationKind and configurationKind are the words of ARNs.
	integrationKind   = "codesecurity-integration"
	configurationKind = "codesecurity-configuration"
)

// What the statuses of integrations mean.
const (
	waitsForAuthorization = "Somebody has to open the authorization URL, and hand the code over with UpdateCodeSecurityIntegration."
	looksForProjects      = "The projects are being looked for."
	works                 = "The provider answered."
	ends                  = "The integration is being deleted."
)

// CreateCodeSecurityIntegration connects the caller's account to a provider.
// An instance of GitLab is asked at once: the token of an administrator
// registers an application that somebody has to authorize, any other token is
// used itself.
func (s *Service) CreateCodeSecurityIntegration(ctx context.Context, call *awsmodel.Call, in *inspector2.CreateCodeSecurityIntegrationInput) (*inspector2.CreateCodeSecurityIntegrationOutput, error) {
	i := cellar.Integration{At: own(call), Name: in.Name, Kind: cellar.Kind(in.Type), Tags: in.Tags, CreatedAt: call.Time, UpdatedAt: call.Time}
	if err := tagging.Check(in.Tags); err != nil {
		return nil, err
	}
	err := s.store.View(ctx, func(tx *store.Tx) error { return roomFor(ctx, tx, &i) })
	if err != nil {
		return nil, err
	}
	kept, err := s.connect(ctx, &i, in)
	if err != nil {
		return nil, err
	}
	if err := s.insert(ctx, &i, kept, nil); err != nil {
		return nil, err
	}
	return &inspector2.CreateCodeSecurityIntegrationOutput{
		IntegrationArn: string(i.ARN()), Status: inspector2.IntegrationStatus(i.Status), AuthorizationUrl: optional(kept.Authorize),
	}, nil
}

// roomFor refuses an integration that there is no room or no name for.
func roomFor(ctx context.Context, tx *store.Tx, i *cellar.Integration) error {
	other, err := cellar.IntegrationNamed(ctx, tx, i.At, i.Name)
	if err == nil {
		return &inspector2.ConflictException{Message: "There is an integration named " + i.Name + " already.", ResourceId: string(other.ARN()), ResourceType: "CodeSecurityIntegration"}
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	n, err := cellar.CountIntegrations(ctx, tx, i.At)
	if err == nil && n >= maxIntegrations {
		err = &inspector2.ServiceQuotaExceededException{Message: fmt.Sprintf("An account has at most %d integrations in a Region.", maxIntegrations), ResourceId: i.Name}
	}
	return err
}

// insert stores a new integration and whatever else belongs to it, and has it
// looked through where that can be.
func (s *Service) insert(ctx context.Context, i *cellar.Integration, kept secret, also func(tx *store.Tx) error) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := roomFor(ctx, tx, i); err != nil {
			return err
		}
		i.ID = newUUID(tx)
		kept.Notice = newNotice(i)
		if err := s.seal(i, kept); err != nil {
			return err
		}
		if err := cellar.InsertIntegration(ctx, tx, *i); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		if i.Status == cellar.Pending || i.Kind == cellar.Upload {
			return nil
		}
		return ask(ctx, tx, JobDiscover, i.At, i.ID, i.CreatedAt)
	})
}

// connect makes the first step with a provider.
func (s *Service) connect(ctx context.Context, i *cellar.Integration, in *inspector2.CreateCodeSecurityIntegrationInput) (secret, error) {
	if i.Kind == cellar.GitHub {
		return s.connectGitHub(i, in.Details)
	}
	if in.Details == nil || in.Details.GitlabSelfManaged == nil {
		return secret{}, invalid("details", "An integration with GitLab needs details.gitlabSelfManaged.")
	}
	d := in.Details.GitlabSelfManaged
	var err error
	if i.URL, err = s.address(d.InstanceUrl, "details.gitlabSelfManaged.instanceUrl", false); err != nil {
		return secret{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	return s.connectGitLab(ctx, i, d.AccessToken)
}

func (s *Service) connectGitHub(i *cellar.Integration, details *inspector2.CreateIntegrationDetail) (secret, error) {
	switch {
	case details != nil:
		return secret{}, invalid("details", "An integration with GitHub has no details when it is created.")
	case s.config.App == nil:
		return secret{}, invalid("type", "This server has no GitHub App: its operator has to register one (github_app). Repositories of GitHub can be brought by their addresses, too.")
	}
	i.URL, i.Status, i.Reason = s.config.App.URL, cellar.Pending, waitsForAuthorization
	return secret{Authorize: forge.NewGitHub(*s.config.App, "", s.now, s.transport).Authorize(rand.Text())}, nil
}

// connectGitLab finds out what a token is good for.
func (s *Service) connectGitLab(ctx context.Context, i *cellar.Integration, token string) (secret, error) {
	kept, at := secret{Token: token}, forge.NewGitLab(i.URL, token, s.transport)
	if redirect := s.redirect(); redirect != "" {
		app, err := at.Register(ctx, "muster "+string(i.Account)+" "+i.Name, redirect)
		if err == nil {
			i.Status, i.Reason = cellar.Pending, waitsForAuthorization
			return secret{App: &app, Authorize: at.Authorize(app, redirect, rand.Text())}, nil
		}
		if !errors.Is(err, forge.ErrDenied) && !errors.Is(err, forge.ErrNotFound) {
			return kept, unreachable(err)
		}
	}
	if err := at.Check(ctx); err != nil {
		return kept, unreachable(err)
	}
	i.Status, i.Reason = cellar.InProgress, looksForProjects
	return kept, nil
}

// unreachable says why a provider could not be connected to.
func unreachable(err error) error {
	if denied(err) {
		return invalid("details", "The provider refuses the credentials: %s.", tell(err))
	}
	return invalid("details", "The provider does not answer as it should: %s.", tell(err))
}

// redirect is where providers send people back to, "" where this server does
// not know its own address.
func (s *Service) redirect() string {
	if s.config.Address == "" {
		return ""
	}
	return s.config.Address + Prefix + "authorized"
}

// address checks the address of a provider. A name is looked up when it is
// used; an address in figures is refused at once.
func (s *Service) address(text, field string, plain bool) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", invalid(field, "The address cannot be read.")
	case u.Scheme != "https" && (u.Scheme != "http" || !plain):
		return "", invalid(field, "The address has to begin with https://.")
	case u.User != nil:
		return "", invalid(field, "The address must not contain credentials.")
	case u.RawQuery != "" || u.Fragment != "":
		return "", invalid(field, "The address must not contain a query or a fragment.")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !s.config.Guard.Allows(a) {
		return "", invalid(field, "The address %s is not allowed by the server's configuration.", u.Hostname())
	}
	return strings.TrimRight(u.String(), "/"), nil
}

// integration finds one of the caller's integrations by its ARN.
func integration(ctx context.Context, tx *store.Tx, call *awsmodel.Call, text string) (cellar.Integration, error) {
	at, _, id, ok := parse(text, integrationKind)
	if !ok || at != own(call) {
		return cellar.Integration{}, notFound("integration", text)
	}
	i, err := cellar.LookupIntegration(ctx, tx, at, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !i.Kind.Forge() {
		return i, notFound("integration", text)
	}
	return i, err
}

// GetCodeSecurityIntegration describes an integration. The address at which it
// is authorized is shown as long as it waits for that.
func (s *Service) GetCodeSecurityIntegration(ctx context.Context, call *awsmodel.Call, in *inspector2.GetCodeSecurityIntegrationInput) (*inspector2.GetCodeSecurityIntegrationOutput, error) {
	i, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Integration, error) { return integration(ctx, tx, call, in.IntegrationArn) })
	if err != nil {
		return nil, err
	}
	out := &inspector2.GetCodeSecurityIntegrationOutput{
		IntegrationArn: string(i.ARN()), Name: i.Name, Type: inspector2.IntegrationType(i.Kind), Status: inspector2.IntegrationStatus(i.Status),
		StatusReason: i.Reason, CreatedOn: i.CreatedAt, LastUpdateOn: i.UpdatedAt, Tags: i.Tags,
	}
	if i.Status == cellar.Pending {
		kept, err := s.open(&i)
		if err != nil {
			return nil, err
		}
		out.AuthorizationUrl = optional(kept.Authorize)
	}
	return out, nil
}

// ListCodeSecurityIntegrations lists the caller's integrations.
func (s *Service) ListCodeSecurityIntegrations(ctx context.Context, call *awsmodel.Call, in *inspector2.ListCodeSecurityIntegrationsInput) (*inspector2.ListCodeSecurityIntegrationsOutput, error) {
	const op = "ListCodeSecurityIntegrations"
	after, err := s.after(call, op, nil, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := size(in.MaxResults)
	list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]cellar.Integration, error) {
		return cellar.Integrations(ctx, tx, own(call), true, after, limit+1)
	})
	if err != nil {
		return nil, err
	}
	out := &inspector2.ListCodeSecurityIntegrationsOutput{Integrations: []inspector2.CodeSecurityIntegrationSummary{}}
	list, out.NextToken = cut(s, call, op, nil, list, limit, func(i cellar.Integration) string { return i.ID })
	for _, i := range list {
		out.Integrations = append(out.Integrations, inspector2.CodeSecurityIntegrationSummary{
			IntegrationArn: string(i.ARN()), Name: i.Name, Type: inspector2.IntegrationType(i.Kind), Status: inspector2.IntegrationStatus(i.Status),
			StatusReason: i.Reason, CreatedOn: i.CreatedAt, LastUpdateOn: i.UpdatedAt, Tags: i.Tags,
		})
	}
	return out, nil
}

// UpdateCodeSecurityIntegration hands over what a provider gave to whoever
// authorized the integration.
func (s *Service) UpdateCodeSecurityIntegration(ctx context.Context, call *awsmodel.Call, in *inspector2.UpdateCodeSecurityIntegrationInput) (*inspector2.UpdateCodeSecurityIntegrationOutput, error) {
	i, err := store.Read(ctx, s.store, func(tx *store.Tx) (cellar.Integration, error) { return integration(ctx, tx, call, in.IntegrationArn) })
	if err != nil {
		return nil, err
	}
	if i.Status == cellar.Disabling {
		return nil, busy(&i)
	}
	kept, err := s.open(&i)
	if err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := s.authorize(within, &i, &kept, in.Details); err != nil {
		return nil, err
	}
	kept.Authorize = ""
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		current, err := integration(ctx, tx, call, in.IntegrationArn)
		if err != nil {
			return err
		}
		if current.Status == cellar.Disabling {
			return busy(&current)
		}
		current.Status, current.Reason, current.UpdatedAt = cellar.InProgress, looksForProjects, call.Time
		if err := s.seal(&current, kept); err != nil {
			return err
		}
		if err := cellar.UpdateIntegration(ctx, tx, current); err != nil {
			return err
		}
		return ask(ctx, tx, JobDiscover, current.At, current.ID, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &inspector2.UpdateCodeSecurityIntegrationOutput{IntegrationArn: string(i.ARN()), Status: inspector2.IntegrationStatusInProgress}, nil
}

func busy(i *cellar.Integration) error {
	return &inspector2.ConflictException{Message: ends, ResourceId: string(i.ARN()), ResourceType: "CodeSecurityIntegration"}
}

// authorize turns a provider's code into what the integration works with.
func (s *Service) authorize(ctx context.Context, i *cellar.Integration, kept *secret, d *inspector2.UpdateIntegrationDetails) error {
	switch {
	case i.Kind == cellar.GitLab && d.GitlabSelfManaged != nil:
		if kept.App == nil {
			return &inspector2.ConflictException{Message: "The integration works with the access token itself; there is nothing to authorize.", ResourceId: string(i.ARN()), ResourceType: "CodeSecurityIntegration"}
		}
		given, err := forge.NewGitLab(i.URL, "", s.transport).Exchange(ctx, *kept.App, s.redirect(), d.GitlabSelfManaged.AuthCode, s.now())
		if err != nil {
			return unreachable(err)
		}
		kept.Given = &given
		return nil
	case i.Kind == cellar.GitHub && d.Github != nil:
		return s.authorizeGitHub(ctx, kept, d.Github)
	}
	return invalid("details", "The details are not those of an integration of type %s.", i.Kind)
}

func (s *Service) authorizeGitHub(ctx context.Context, kept *secret, d *inspector2.UpdateGitHubIntegrationDetail) error {
	if !forge.ValidInstallation(d.InstallationId) {
		return invalid("details.github.installationId", "The installationId is a number.")
	}
	if s.config.App == nil {
		return invalid("details", "This server has no GitHub App any more.")
	}
	if err := forge.NewGitHub(*s.config.App, d.InstallationId, s.now, s.transport).Confirm(ctx, d.Code); err != nil {
		return unreachable(err)
	}
	kept.Installation = d.InstallationId
	return nil
}

// DeleteCodeSecurityIntegration ends an integration. Its projects go, and
// their findings close.
func (s *Service) DeleteCodeSecurityIntegration(ctx context.Context, call *awsmodel.Call, in *inspector2.DeleteCodeSecurityIntegrationInput) (*inspector2.DeleteCodeSecurityIntegrationOutput, error) {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		i, err := integration(ctx, tx, call, in.IntegrationArn)
		if err != nil {
			return err
		}
		return end(ctx, tx, &i, call.Time)
	})
	if err != nil {
		return nil, err
	}
	return &inspector2.DeleteCodeSecurityIntegrationOutput{IntegrationArn: &in.IntegrationArn}, nil
}

func end(ctx context.Context, tx *store.Tx, i *cellar.Integration, now time.Time) error {
	i.Status, i.Reason, i.UpdatedAt = cellar.Disabling, ends, now
	if err := cellar.UpdateIntegration(ctx, tx, *i); err != nil {
		return err
	}
	return ask(ctx, tx, JobForget, i.At, i.ID, now)
}
