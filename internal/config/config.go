// Package config reads muster's one small configuration file. Every key has a
// good default, so that an empty file works; every key can be overridden by an
// environment variable MUSTER_<KEY>. docs/operating.md lists them all, which a
// test checks.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/semver"
	"gopkg.in/yaml.v3"
)

// Config is the whole configuration of a server process.
type Config struct {
	// Data is the folder for state on disk: the embedded store, advisory
	// files and the key file.
	Data string `yaml:"data"`
	// Listen is the address that serves the AWS APIs and the agents.
	Listen string `yaml:"listen"`
	// Store is "sqlite:FILE" or "postgres://…"; empty means the embedded
	// store muster.db in Data.
	Store string `yaml:"store"`
	// KeyFile holds the 32-byte key-encryption key; empty means key in Data.
	// The environment variable MUSTER_KEY (base64) takes precedence.
	KeyFile string `yaml:"key_file"`
	// TLSCert and TLSKey are PEM files; both or none.
	TLSCert string `yaml:"tls_cert"`
	TLSKey  string `yaml:"tls_key"`
	// AllowPlainHTTP permits an address beyond loopback without TLS.
	AllowPlainHTTP bool `yaml:"allow_plain_http"`
	// PublicURL is how browsers reach the server, such as
	// https://muster.example.com; empty means Listen itself.
	PublicURL string `yaml:"public_url"`
	// OpenIDIssuer is the identity provider that people sign in to the console
	// with (OpenID Connect); empty means none. OpenIDClientID and
	// OpenIDClientSecret are what it knows muster by, OpenIDName is what the
	// button says, OpenIDScopes are asked for beside openid.
	OpenIDIssuer       string   `yaml:"openid_issuer"`
	OpenIDClientID     string   `yaml:"openid_client_id"`
	OpenIDClientSecret string   `yaml:"openid_client_secret"`
	OpenIDName         string   `yaml:"openid_name"`
	OpenIDScopes       []string `yaml:"openid_scopes"`
	// OpenIDThumbprints are SHA-1 sums of certificate authorities that the
	// provider's certificate may come from beside the public ones.
	OpenIDThumbprints []string `yaml:"openid_thumbprints"`
	// OpenIDNetworks are networks beyond the public internet in which identity
	// providers may be reached, the operator's and those of accounts.
	OpenIDNetworks []string `yaml:"openid_networks"`
	// Regions are the Region names this installation knows.
	Regions []string `yaml:"regions"`
	// Feeds is where advisories come from: a folder or URL in the layout of a
	// feeds folder or of OSV's public bucket, or "imported", which is what
	// bundles brought; empty means the publishers themselves.
	Feeds string `yaml:"feeds"`
	// FeedsSources are the publishers to fetch from; empty means the usual ones.
	FeedsSources []string `yaml:"feeds_sources"`
	// FeedsEcosystems are the ecosystems of OSV to fetch; empty means all.
	FeedsEcosystems []string `yaml:"feeds_ecosystems"`
	// FeedsAddresses replaces publishers' addresses, each as SOURCE=URL.
	FeedsAddresses []string `yaml:"feeds_addresses"`
	// FeedsHosts are further hosts that publishers may lead to.
	FeedsHosts []string `yaml:"feeds_hosts"`
	// FeedsIntervals is how often publishers are asked, each as SOURCE=DURATION.
	FeedsIntervals []string `yaml:"feeds_intervals"`
	// FeedsTrust are files of public keys whose bundles are believed.
	FeedsTrust []string `yaml:"feeds_trust"`
	// NVDKey is a key of the NVD API.
	NVDKey string `yaml:"nvd_key"`
	// FeedsInterval is how often advisories are looked for; 0 means never
	// by itself.
	FeedsInterval time.Duration `yaml:"feeds_interval"`
	// Lease is how long work that a process has begun waits for another one
	// after the process has died or was frozen.
	Lease time.Duration `yaml:"lease"`
	// Transition is how long Inspector's asynchronous states (ENABLING,
	// CREATED, DISABLE_IN_PROGRESS) last at least.
	Transition time.Duration `yaml:"transition"`
	// ServiceControlPolicies says whether requests must obey the service
	// control policies of their organization; otherwise those are stored only.
	ServiceControlPolicies bool `yaml:"service_control_policies"`
	// Transitions says so for single states, each as STATE=DURATION; see
	// TransitionTimes.
	Transitions []string `yaml:"transitions"`
	// Quotas are limits of organizations other than the default, each as
	// NAME=NUMBER; see QuotaNumbers.
	Quotas []string `yaml:"quotas"`
	// OrganizationWaitPeriod is how old an account created in an organization
	// must be to leave it; 0 means any age. AWS has four days.
	OrganizationWaitPeriod time.Duration `yaml:"organization_wait_period"`
	// Throttle is "aws", which refuses callers that are quicker than AWS lets
	// them be, or "off".
	Throttle string `yaml:"throttle"`
	// MemberLimit is how many member accounts a delegated administrator may
	// have in a Region.
	MemberLimit int64 `yaml:"member_limit"`
	// UsagePrices are prices of usage types in US dollars per unit, each as
	// TYPE=PRICE; a type without one is free. See Prices.
	UsagePrices []string `yaml:"usage_prices"`
	// SinkNetworks are networks of the operator's own, in CIDR form, that events
	// may be sent to, also without TLS; everything else must be public.
	SinkNetworks []string `yaml:"sink_networks"`
	// RegistryNetworks are networks beyond the public internet in which
	// container registries may be reached, such as 10.0.0.0/8.
	RegistryNetworks []string `yaml:"registry_networks"`
	// LayerCache is how many bytes the layers of images may take that were
	// read and are remembered in Data.
	LayerCache int64 `yaml:"layer_cache"`
	// ImageStorage is how many bytes of images an account may push in a Region.
	ImageStorage int64 `yaml:"image_storage"`
	// CodeNetworks are networks beyond the public internet in which source
	// code may be fetched, such as 10.0.0.0/8.
	CodeNetworks []string `yaml:"code_networks"`
	// CodeInterval is how often they are asked for projects and pushes.
	CodeInterval time.Duration `yaml:"code_interval"`
	// GitHubApp is a file that describes the operator's GitHub App; empty
	// means none.
	GitHubApp string `yaml:"github_app"`
	// NetworkInterval is how often network findings are worked out when
	// nothing changes.
	NetworkInterval time.Duration `yaml:"network_interval"`
	// NetworkCoarse makes one network finding of a run of open ports, as
	// severe as its worst port, in place of one for each known service.
	NetworkCoarse bool `yaml:"network_coarse"`
	// NetworkTrusted are blocks of addresses that raise no network finding
	// alone.
	NetworkTrusted []string `yaml:"network_trusted"`
	// NetworkAmbientCredentials lets network collectors without an access key
	// assume roles with the server's own AWS credentials.
	NetworkAmbientCredentials bool `yaml:"network_ambient_credentials"`
	// NetworkEndpoint is asked by network collectors in place of AWS's public
	// hosts.
	NetworkEndpoint string `yaml:"network_endpoint"`
	// ExportsEndpoint is the URL of an S3-compatible service that findings
	// reports and SBOM exports go to; empty means the folder exports in Data.
	ExportsEndpoint string `yaml:"exports_endpoint"`
	// ExportsRegion is what requests to it are signed for.
	ExportsRegion string `yaml:"exports_region"`
	// ExportsAccessKey and ExportsSecretKey sign them.
	ExportsAccessKey string `yaml:"exports_access_key"`
	ExportsSecretKey string `yaml:"exports_secret_key"`
	// ExportsBuckets are the buckets that accounts may write to, each as
	// ACCOUNT=BUCKET or *=BUCKET.
	ExportsBuckets []string `yaml:"exports_buckets"`
	// ExportsKMS says that the service encrypts under the keys that exports
	// name.
	ExportsKMS bool `yaml:"exports_kms"`
	// FaultInjection lets testers make operations fail (package fault). It is
	// refused beyond loopback.
	FaultInjection bool `yaml:"fault_injection"`
	// AgentKeyAge is how old the key of an agent may become before the agent
	// is asked for another; 0 means any age.
	AgentKeyAge time.Duration `yaml:"agent_key_age"`
	// AgentOldest is the oldest version of agents that may report, as in
	// v1.2.0; empty means any.
	AgentOldest string `yaml:"agent_oldest"`
	// MaxBody is the largest request body the AWS doors read, in bytes.
	MaxBody int64 `yaml:"max_body"`
	// AuditLog is the file that gets one CloudTrail-form record per call;
	// empty means audit.log in Data, "-" standard error, "off" none.
	AuditLog string `yaml:"audit_log"`
	// AuditRetention is how long it is remembered who changed what.
	AuditRetention time.Duration `yaml:"audit_retention"`
	// Metrics says who gets /metrics: MetricsLocal, callers on this machine, or
	// MetricsEveryone.
	Metrics string `yaml:"metrics"`
	// Traces is where spans go, the address of a collector of OTLP/HTTP; empty
	// means nowhere.
	Traces string `yaml:"traces"`
	// LogLevel is debug, info, warn or error.
	LogLevel string `yaml:"log_level"`
}

// Who gets /metrics.
const (
	MetricsLocal    = "local"
	MetricsEveryone = "everyone"
)

// Default is what an empty file means.
func Default() Config {
	return Config{
		Data:          "muster-data",
		Listen:        "127.0.0.1:8440",
		Regions:       append([]string(nil), publicRegions...),
		FeedsInterval: time.Hour, AuditRetention: 90 * 24 * time.Hour,
		Transition:    200 * time.Millisecond,
		Lease:         15 * time.Second,
		MemberLimit:   10_000,
		MaxBody:       10 << 20,
		LayerCache:    4 << 30,
		ImageStorage:  50 << 30,
		AgentKeyAge:   90 * 24 * time.Hour,
		ExportsRegion: "us-east-1",
		LogLevel:      "info",
		OpenIDName:    "single sign-on",
		OpenIDScopes:  []string{"profile", "email"},
		Metrics:       MetricsLocal,

		NetworkInterval: 12 * time.Hour,
		CodeInterval:    15 * time.Minute,

		ServiceControlPolicies: true,
		Throttle:               ThrottleOff,
	}
}

// publicRegions is AWS's public list.
var publicRegions = []string{
	"us-east-1", "us-east-2", "us-west-1", "us-west-2",
	"af-south-1", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3",
	"ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4",
	"ca-central-1", "ca-west-1", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
	"eu-west-1", "eu-west-2", "eu-west-3", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
}

// Load reads the file (none when the name is empty) over the defaults, then
// the environment over both. Unknown keys are errors, so that a misspelt
// setting never goes unnoticed.
func Load(file string, getenv func(string) string) (Config, error) {
	return LoadOver(Default(), file, getenv)
}

// LoadOver is Load over other defaults.
func LoadOver(c Config, file string, getenv func(string) string) (Config, error) {
	if file != "" {
		body, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("configuration: %w", err)
		}
		dec := yaml.NewDecoder(bytes.NewReader(body))
		dec.KnownFields(true)
		if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("configuration %s: %w", file, err)
		}
	}
	if err := c.override(getenv); err != nil {
		return c, err
	}
	return c, c.Check()
}

// override sets every field whose variable MUSTER_<KEY> is not empty.
func (c *Config) override(getenv func(string) string) error {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		name := "MUSTER_" + strings.ToUpper(v.Type().Field(i).Tag.Get("yaml"))
		text := getenv(name)
		if text == "" {
			continue
		}
		if err := set(v.Field(i), text); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func set(field reflect.Value, text string) error {
	switch field.Interface().(type) {
	case string:
		field.SetString(text)
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		field.SetInt(int64(d))
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return err
		}
		field.SetBool(b)
	case int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		field.SetInt(n)
	case []string:
		field.Set(reflect.ValueOf(strings.Split(text, ",")))
	default:
		return fmt.Errorf("cannot be set from the environment")
	}
	return nil
}

// Check refuses what cannot work, naming the key.
func (c *Config) Check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not an address such as 127.0.0.1:8440", c.Listen)
	}
	switch {
	case c.Data == "":
		return errors.New("data: a folder is needed")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("tls_cert and tls_key: give both or none")
	case c.TLSCert == "" && !c.AllowPlainHTTP && !loopback(host):
		return fmt.Errorf("listen: %s is not a loopback address: give tls_cert and tls_key, or allow_plain_http", c.Listen)
	case len(c.Regions) == 0:
		return errors.New("regions: at least one is needed")
	case c.AgentKeyAge < 0:
		return errors.New("agent_key_age: must not be negative")
	case c.AgentOldest != "" && !semver.IsValid(c.AgentOldest):
		return fmt.Errorf("agent_oldest: %q is no version such as v1.2.0", c.AgentOldest)
	case c.ImageStorage <= 0:
		return errors.New("image_storage: must be positive")
	case c.LayerCache <= 0:
		return errors.New("layer_cache: must be positive")
	case c.MaxBody <= 0:
		return errors.New("max_body: must be positive")
	case c.OrganizationWaitPeriod < 0:
		return errors.New("organization_wait_period: must not be negative")
	case c.Throttle != ThrottleOff && c.Throttle != ThrottleAWS:
		return errors.New("throttle: give aws or off")
	case c.Metrics != MetricsLocal && c.Metrics != MetricsEveryone:
		return errors.New("metrics: give local or everyone")
	case c.Traces != "" && !strings.HasPrefix(c.Traces, "http://") && !strings.HasPrefix(c.Traces, "https://"):
		return errors.New("traces: give the http:// or https:// address of a collector of OTLP, such as http://127.0.0.1:4318/v1/traces")
	case c.FaultInjection && (!loopback(host) || c.TLSCert != "" || c.AllowPlainHTTP):
		return fmt.Errorf("fault_injection: is for tests on one machine: listen (%s) has to be a loopback address, without tls_cert and allow_plain_http, which serve others", c.Listen)
	case c.AuditRetention < time.Hour:
		return errors.New("audit_retention: must be an hour or more")
	case c.Transition < 0 || c.FeedsInterval < 0:
		return errors.New("transition and feeds_interval: must not be negative")
	case c.Lease < 100*time.Millisecond:
		return errors.New("lease: must be 100ms or more")
	case c.NetworkInterval < time.Minute:
		return errors.New("network_interval: must be a minute or more")
	case c.CodeInterval < time.Minute:
		return errors.New("code_interval: must be a minute or more")
	case c.MemberLimit <= 0:
		return errors.New("member_limit: must be positive")
	case c.Store != "" && !strings.HasPrefix(c.Store, "sqlite:") && !strings.HasPrefix(c.Store, "postgres://") && !strings.HasPrefix(c.Store, "postgresql://"):
		return errors.New("store: give sqlite:FILE or postgres://…")
	}
	if err := c.checkOpenID(); err != nil {
		return err
	}
	if _, err := c.QuotaNumbers(); err != nil {
		return err
	}
	if _, err := c.TrustedBlocks(); err != nil {
		return err
	}
	if _, err := c.TransitionTimes(); err != nil {
		return err
	}
	if _, err := c.FeedAddresses(); err != nil {
		return err
	}
	if _, err := c.FeedIntervals(); err != nil {
		return err
	}
	if _, err := c.SinkPrefixes(); err != nil {
		return err
	}
	if _, err := c.ExportBuckets(); err != nil {
		return err
	}
	_, err = c.Prices()
	return err
}

// Local reports whether Listen is a loopback address.
func (c *Config) Local() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && loopback(host)
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// StoreURL is Store, or the embedded store in Data.
func (c *Config) StoreURL() string {
	if c.Store != "" {
		return c.Store
	}
	return "sqlite:" + filepath.Join(c.Data, "muster.db")
}

// KeyPath is KeyFile, or the file "key" in Data.
func (c *Config) KeyPath() string {
	if c.KeyFile != "" {
		return c.KeyFile
	}
	return filepath.Join(c.Data, "key")
}

// AdvisoryDir is where advisory files live.
func (c *Config) AdvisoryDir() string { return filepath.Join(c.Data, "advisories") }

// FeedsDir is where publishers' files and what bundles brought live.
func (c *Config) FeedsDir() string { return filepath.Join(c.Data, "feeds") }

// ExportsDir is where reports and exports live that go to no bucket.
func (c *Config) ExportsDir() string { return filepath.Join(c.Data, "exports") }

// ConsoleURL is where browsers find the console, with a slash at its end.
func (c *Config) ConsoleURL() string {
	base := strings.TrimSuffix(c.PublicURL, "/")
	if base == "" {
		base = "http://" + c.Listen
		if c.Secure() {
			base = "https://" + c.Listen
		}
	}
	return base + "/console/"
}

// PublicSecure reports whether browsers reach the server by TLS, here or at a
// proxy.
func (c *Config) PublicSecure() bool { return c.Secure() || strings.HasPrefix(c.PublicURL, "https://") }

// checkOpenID refuses settings of a sign-in that cannot work.
func (c *Config) checkOpenID() error {
	if c.PublicURL != "" {
		at, err := url.Parse(c.PublicURL)
		if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "" || strings.Trim(at.Path, "/") != "" {
			return fmt.Errorf("public_url: %q is not a URL such as https://muster.example.com", c.PublicURL)
		}
	}
	at, err := url.Parse(c.OpenIDIssuer)
	switch {
	case c.OpenIDIssuer == "":
		return nil
	case err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Host == "":
		return fmt.Errorf("openid_issuer: %q is not a URL such as https://login.example.com", c.OpenIDIssuer)
	case c.OpenIDClientID == "":
		return errors.New("openid_client_id: the identity provider knows muster by it; give it with openid_issuer")
	}
	return nil
}

// Secure reports whether the server speaks TLS.
func (c *Config) Secure() bool { return c.TLSCert != "" }
