package server

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"muster/internal/access"
	"muster/internal/advisorydb"
	"muster/internal/agentapi"
	"muster/internal/arn"
	"muster/internal/audit"
	"muster/internal/awsapi"
	"muster/internal/awsmodel"
	"muster/internal/code"
	"muster/internal/codeapi"
	"muster/internal/config"
	"muster/internal/console"
	"muster/internal/doctor"
	"muster/internal/ecr"
	"muster/internal/ecr/pass"
	"muster/internal/emulate"
	"muster/internal/event"
	sinks "muster/internal/event/desk"
	"muster/internal/event/send"
	"muster/internal/fault"
	"muster/internal/fleet"
	"muster/internal/functions"
	"muster/internal/iam"
	"muster/internal/iam/federation"
	"muster/internal/iam/managed"
	"muster/internal/inspector"
	"muster/internal/inspector/encryption"
	"muster/internal/inspector/exports"
	"muster/internal/inspector/results"
	"muster/internal/inspector/rules"
	"muster/internal/inspector/settings"
	"muster/internal/inspector/tagging"
	"muster/internal/inspector/usage"
	"muster/internal/jobs"
	"muster/internal/organizations"
	"muster/internal/organizations/handshakes"
	"muster/internal/organizations/policies"
	"muster/internal/pagetoken"
	"muster/internal/reach"
	"muster/internal/refresh"
	"muster/internal/regions"
	"muster/internal/registry"
	"muster/internal/registry/eligible"
	"muster/internal/registry/hosted"
	"muster/internal/registryapi"
	"muster/internal/rollout"
	"muster/internal/sbomscan"
	"muster/internal/scan"
	"muster/internal/server/health"
	"muster/internal/server/trace"
	"muster/internal/store"
	"muster/internal/sts"
	"muster/internal/worker"
)

// desks are the parts that decide.
type desks struct {
	iam           *iam.Service
	sts           *sts.Service
	organizations *organizations.Service
	handshakes    *handshakes.Service
	policies      *policies.Service
	inspector     *inspector.Service
	results       *results.Service
	rules         *rules.Service
	changes       *audit.Service
	work          *jobs.Service
	usage         *usage.Service
	keys          *encryption.Service
	tags          *tagging.Service
	fleet         *fleet.Service
	functions     *functions.Service
	registry      *registry.Service
	code          *code.Service
	ecr           *ecr.Service
	scan          *scan.Service
	sbomscan      *sbomscan.Service
	feeds         *feedDesk
	access        *access.Desk
	rollout       *rollout.Service
	doctor        *doctor.Service
	faults        *fault.Service
	regions       *regions.Service
	sinks         *sinks.Service
	hosted        *hosted.Service
	passes        *pass.Office
	guard         *send.Guard
	federation    *federation.Room
	reach         *reach.Service
	exports       *exports.Service
}

// parts builds everything between the store and the listener and returns the
// handler of all requests.
func (s *Server) parts(ctx context.Context) (http.Handler, error) {
	d, err := s.desks()
	if err != nil {
		return nil, err
	}
	s.traces = trace.New(s.config.Traces, programVersion(), s.log)
	jobs := map[string]worker.Handler{refresh.JobSync: s.refresh.Run, iam.JobDeleteServiceLinkedRole: d.iam.RunDeletion}
	maps.Copy(jobs, d.organizations.Jobs())
	maps.Copy(jobs, d.handshakes.Jobs())
	maps.Copy(jobs, d.policies.Jobs())
	maps.Copy(jobs, d.inspector.Jobs())
	maps.Copy(jobs, d.rules.Jobs())
	maps.Copy(jobs, d.changes.Jobs())
	maps.Copy(jobs, d.rollout.Jobs())
	s.transitions = transitions(jobs)
	maps.Copy(jobs, d.scan.Jobs())
	s.events = event.New(event.Config{Store: s.store, Now: s.store.Now, Keyring: s.keyring, Guard: d.guard, Log: s.log})
	maps.Copy(jobs, s.events.Jobs())
	maps.Copy(jobs, d.registry.Jobs())
	maps.Copy(jobs, d.hosted.Jobs())
	maps.Copy(jobs, d.code.Jobs())
	maps.Copy(jobs, d.ecr.Jobs())
	maps.Copy(jobs, d.reach.Jobs())
	maps.Copy(jobs, d.exports.Jobs())
	s.worker = worker.New(s.store, s.traces.Jobs(jobs), s.workerOptions())
	if err := errors.Join(d.scan.CatchUp(ctx), d.inspector.CatchUp(ctx), s.events.Start(ctx), d.exports.Start(ctx), d.changes.Start(ctx)); err != nil {
		return nil, err
	}
	return s.doors(d)
}

// transitions are the kinds of the jobs that end asynchronous states; fetching
// advisories is none.
func transitions(jobs map[string]worker.Handler) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(jobs)), func(kind string) bool { return kind == refresh.JobSync })
}

// workerOptions let an emulator's jobs stop soon: the state that they work on is
// about to go.
func (s *Server) workerOptions() worker.Options {
	o := worker.Options{Log: s.log, Lease: s.config.Lease, PerKind: event.Concurrency()}
	// Reading an image takes much memory.
	o.PerKind[eligible.JobRead] = 2
	o.PerKind[code.JobScan], o.PerKind[code.JobReview] = 2, 1
	o.PerKind[reach.JobCollect] = reach.AtATime
	if s.emulation != nil {
		o.Grace = 250 * time.Millisecond
	}
	return o
}

func (s *Server) desks() (*desks, error) {
	set, err := managed.Load()
	if err != nil {
		return nil, err
	}
	pages, err := pagetoken.New(s.keyring.Derive("page tokens"))
	if err != nil {
		return nil, err
	}
	if s.refresh, err = s.newRefresh(); err != nil {
		return nil, err
	}
	s.keys = iam.NewKeys(s.store, s.keyring, set, s.store.Now)
	d := &desks{sts: sts.New(s.store, s.keys, set), feeds: &feedDesk{s.store}, faults: s.faults()}
	d.sts.RootMayAssume = s.emulation != nil
	if err := s.federation(d); err != nil {
		return nil, err
	}
	controls := policies.NewControls(s.store, s.store.Now)
	d.access = access.New(access.Config{Store: s.store, Keys: s.keys, Throttle: s.throttle(), Permissive: s.emulation != nil && !s.emulation.Permissions, Controls: s.obeyed(controls), InspectorTags: d.tagsOf, WebIdentity: d.federation.Verify, Relations: map[string]access.Relation{
		"inspector2": func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
			return d.inspector.Relation(ctx, call, op, in)
		},
		"organizations": func(ctx context.Context, call *awsmodel.Call, op *awsmodel.Operation, in any) error {
			return d.organizations.Relation(ctx, call, op, in)
		},
	}})
	d.scan = scan.New(scan.Config{Store: s.store, Now: s.store.Now, Advisories: s.refresh})
	if d.reach, err = s.reach(d, pages); err != nil {
		return nil, err
	}
	d.sbomscan = sbomscan.New(s.refresh.Current)
	if err := s.registries(d, pages); err != nil {
		return nil, err
	}
	if err := s.inspector(d, pages); err != nil {
		return nil, err
	}
	networks, err := s.config.SinkPrefixes()
	if err != nil {
		return nil, err
	}
	d.guard = send.NewGuard(networks)
	d.sinks = sinks.New(sinks.Config{Store: s.store, Keyring: s.keyring, Pages: pages, Guard: d.guard})
	if d.exports, err = s.exports(pages); err != nil {
		return nil, err
	}
	d.doctor = s.doctor(d, pages)
	d.rollout = rollout.New(rollout.Config{
		Store: s.store, Now: s.store.Now, Pages: pages, Inspector: d.inspector, Access: d.access, Regions: regionsOf(s.config),
	})
	limits, err := s.limits()
	if err != nil {
		return nil, err
	}
	d.organizations = organizations.New(s.store, organizations.Options{
		Now: s.store.Now, Pages: pages, Observers: []organizations.Observer{d.inspector, controls, suspension{keys: s.keys}, handshakes.Departures{}, reach.Moves{}}, Limits: limits,
		Transition: s.config.Transition, WaitPeriod: s.config.OrganizationWaitPeriod, Faults: directoryFaults(d.faults),
	})
	d.handshakes = handshakes.New(s.store, d.organizations, s.store.Now)
	d.policies = policies.New(s.store, d.organizations, policies.Options{Now: s.store.Now, Regions: regionsOf(s.config), Transition: s.config.Transition, Delay: d.faults.Delay})
	d.iam = iam.New(s.keys, iam.Options{Pages: pages, Usage: d.inspector, Controls: s.obeyed(controls)})
	d.sts.Factor = d.iam.Logins().UseFactor
	d.fleet = s.fleet(d, pages)
	d.functions = functions.New(functions.Config{Store: s.store, Scans: d.scan, Pages: pages})
	return d, s.code(d, pages)
}

// obeyed are the service control policies that requests must obey; none where
// the operator has switched them off.
func (s *Server) obeyed(c *policies.Controls) access.Controls {
	if !s.config.ServiceControlPolicies {
		return nil
	}
	return c.Of
}

// tagsOf returns the tags of one of Inspector's resources.
func (d *desks) tagsOf(ctx context.Context, resource arn.ARN) (map[string]string, error) {
	return d.tags.Of(ctx, resource)
}

// inspector builds the parts of the Inspector desk.
func (s *Server) inspector(d *desks, pages *pagetoken.Sealer) error {
	transitions, err := s.config.TransitionTimes()
	if err != nil {
		return err
	}
	prices, err := s.config.Prices()
	if err != nil {
		return err
	}
	d.inspector = inspector.New(inspector.Config{
		Store: s.store, Now: s.store.Now, Pages: pages, Access: d.access, Regions: regionsOf(s.config),
		Transition: s.config.Transition, Transitions: transitions, MemberLimit: int(s.config.MemberLimit),
		Faults: inspectorFaults(d.faults),
	})
	d.results = results.New(results.Config{Store: s.store, Pages: pages, Intel: s.intel})
	d.changes = audit.New(audit.Config{Store: s.store, Pages: pages, Keep: s.config.AuditRetention, Now: s.store.Now, Log: s.log})
	d.work = jobs.New(jobs.Config{Store: s.store, Pages: pages, Now: s.store.Now})
	d.rules = rules.New(rules.Config{Store: s.store, Pages: pages, Apply: d.scan.Resuppress, Now: s.store.Now})
	d.usage = usage.New(usage.Config{Store: s.store, Pages: pages, Prices: prices})
	d.keys, d.tags = encryption.New(s.store), tagging.New(s.store, code.Holders())
	d.regions = regions.New(s.store, regionsOf(s.config))
	return nil
}

func regionsOf(c config.Config) []arn.Region {
	var list []arn.Region
	for _, r := range c.Regions {
		list = append(list, arn.Region(r))
	}
	return list
}

// intel answers what the advisories in service know of a CVE.
func (s *Server) intel(ctx context.Context, cve string) (advisorydb.Intel, bool, error) {
	set, err := s.refresh.Current(ctx)
	if err != nil {
		return advisorydb.Intel{}, false, err
	}
	defer set.Close()
	return set.Intel(cve)
}

// services are the AWS services with what the desks implement of them.
func (d *desks) services() []awsmodel.Service {
	found := d.inspector.Handlers()
	settings.New(d.inspector).AddHandlers(&found)
	d.results.AddHandlers(&found)
	d.rules.AddHandlers(&found)
	d.usage.AddHandlers(&found)
	d.keys.AddHandlers(&found)
	d.tags.AddHandlers(&found)
	d.exports.AddHandlers(&found)
	d.code.AddHandlers(&found)
	directory := d.organizations.Handlers()
	d.handshakes.AddHandlers(&directory)
	d.policies.AddHandlers(&directory)
	own := d.fleet.Handlers()
	d.feeds.addHandlers(&own)
	d.rollout.AddHandlers(&own)
	d.doctor.AddHandlers(&own)
	d.faults.AddHandlers(&own)
	d.functions.AddHandlers(&own)
	d.sinks.AddHandlers(&own)
	d.registry.AddHandlers(&own)
	d.code.AddOwnHandlers(&own)
	d.reach.AddHandlers(&own)
	d.exports.AddOwnHandlers(&own)
	d.results.AddOwnHandlers(&own)
	d.rules.AddOwnHandlers(&own)
	d.changes.AddOwnHandlers(&own)
	d.work.AddHandlers(&own)
	return []awsmodel.Service{
		found.Service(), d.sbomscan.Handlers().Service(), directory.Service(),
		d.iam.Handlers().Service(), d.sts.Handlers().Service(), d.ecr.Handlers().Service(), d.regions.Handlers().Service(), own.Service(),
	}
}

// doors puts the AWS door, the agents' door, the console and the health check
// on one address.
func (s *Server) doors(d *desks) (http.Handler, error) {
	aws, err := awsapi.New(awsapi.Config{
		Services: s.emulated(d.services()), Keys: keyLookup{s.keys}, Anyone: s.anyone(), Authorize: d.authorize(),
		Attend: d.changes.Attend, Audit: s.audit.write, TryLater: store.TryLater, Now: s.store.Now, Logger: s.log, MaxBody: s.config.MaxBody,
	})
	if err != nil {
		return nil, err
	}
	web, err := console.New(s.signIn, s.store.Now, s.log)
	if err != nil {
		return nil, err
	}
	web.Info.Emulator, web.Info.Regions = s.emulation != nil, s.config.Regions
	web.Logins = s.login(d.iam.Logins())
	web.Secure = s.config.PublicSecure()
	if s.openID != nil {
		web.OpenID, web.Info.Provider = s.openID, s.config.OpenIDName
	}
	agents := agentapi.New(d.fleet, agentapi.Options{Now: s.store.Now, Log: s.log, TryLater: store.TryLater})
	s.health = &health.Config{Store: s.store, Now: s.store.Now, FeedAge: feedsMayAge * s.config.FeedsInterval}
	if s.metrics, err = health.NewMetrics(s.health); err != nil {
		return nil, err
	}
	return s.route(aws, agents, registryapi.New(d.registry, s.store.Now, s.log), s.distribution(d), codeapi.New(d.code, s.log), web), nil
}

// feedsMayAge is how many intervals a source may go without a look until that
// is worth a warning.
const feedsMayAge = 3

// anyone is for whom an emulator takes callers whose keys it has not issued;
// nil everywhere else.
func (s *Server) anyone() func(context.Context, string) (arn.Principal, error) {
	if s.emulation == nil {
		return nil
	}
	return emulate.NewCallers(s.store, s.store.Now).Principal
}

// keyLookup lets the door ask the iam desk for keys.
type keyLookup struct{ keys *iam.Keys }

// Lookup implements awsapi.Keys.
func (k keyLookup) Lookup(ctx context.Context, id, token string) (awsapi.Credential, error) {
	c, err := k.keys.Lookup(ctx, id, token)
	if errors.Is(err, iam.ErrUnknownKey) {
		err = awsapi.ErrUnknownKey
	}
	return awsapi.Credential(c), err
}
