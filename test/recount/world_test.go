package recount

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"muster/internal/arn"
	"muster/internal/config"
	"muster/test/livetest"
)

// world is a server with the planned organization in it.
type world struct {
	*testing.T
	server *livetest.Server
	r      *rand.Rand
	plan
	clients map[string]*livetest.Client
}

const (
	near = "us-east-1"
	far  = "eu-west-1"
)

// build starts a server and makes the organization on it.
func build(t *testing.T, database string, seed uint64) *world {
	dir := t.TempDir()
	w := &world{T: t, r: rand.New(rand.NewPCG(seed, 0)), clients: map[string]*livetest.Client{}}
	w.Seed, w.Regions = seed, []string{near, far}
	w.Advisories, w.Updates = invent(w.r), microsoft()
	feeds := filepath.Join(dir, "feeds")
	w.must(w.publish(feeds))
	w.Prices = map[string]float64{"EC2_INSTANCE_HOURS": 0.00173611, "ECR_INITIAL_SCAN": 0.09}
	w.server = livetest.Start(t, database, func(c *config.Config) {
		for kind, price := range w.Prices {
			c.UsagePrices = append(c.UsagePrices, fmt.Sprintf("%s=%v", kind, price))
		}
		c.CodeNetworks = []string{"127.0.0.0/8"}
		c.Data, c.Feeds, c.RegistryNetworks = filepath.Join(dir, "data"), feeds, []string{"127.0.0.0/8"}
	})
	w.URL = w.server.URL()
	_, err := w.server.SyncFeeds(t.Context(), nil)
	w.must(err)
	w.organize()
	w.machines()
	w.windows()
	w.networks()
	w.functions()
	w.code()
	w.projects()
	w.images()
	w.settle()
	w.happen()
	w.settle()
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// ask calls an operation that has to succeed.
func (w *world) ask(account, region, service, operation string, in map[string]any) map[string]any {
	w.Helper()
	a, err := w.clients[account].In(region).Call(w.Context(), service, operation, in)
	w.must(err)
	if !a.OK() {
		w.Fatalf("%s of %s in %s: %s", operation, account, region, a)
	}
	return a.JSON()
}

func (w *world) id(name string) string {
	for _, a := range w.Accounts {
		if a.Name == name {
			return a.ID
		}
	}
	w.Fatalf("no account %s", name)
	return ""
}

func (w *world) admit(name, id string, seen bool) {
	key, err := w.server.Operator().IssueRootKey(w.Context(), arn.AccountID(id))
	w.must(err)
	w.Accounts = append(w.Accounts, &account{Name: name, ID: id, Seen: seen, Key: key.ID, Secret: key.Secret})
	w.clients[name] = w.server.Client(livetest.Key{ID: key.ID, Secret: key.Secret})
}

// organize makes the accounts: management, the administrator audit, the members
// ann and ben, eve, who belongs to the organization and is associated in
// neither Region, and a stranger.
func (w *world) organize() {
	for _, name := range []string{"management", "stranger"} {
		id, err := w.server.Operator().CreateAccount(w.Context(), name, name+"@example.com")
		w.must(err)
		w.admit(name, string(id), name == "management")
	}
	w.ask("management", near, "organizations", "CreateOrganization", map[string]any{"FeatureSet": "ALL"})
	for _, name := range []string{"audit", "ann", "ben", "eve"} {
		out := w.ask("management", near, "organizations", "CreateAccount", map[string]any{"AccountName": name, "Email": name + "@example.com"})
		request := livetest.Dig(out, "CreateAccountStatus", "Id")
		w.await("the account "+name, func() bool {
			out = w.ask("management", near, "organizations", "DescribeCreateAccountStatus", map[string]any{"CreateAccountRequestId": request})
			return livetest.Dig(out, "CreateAccountStatus", "State") == "SUCCEEDED"
		})
		w.admit(name, livetest.Dig(out, "CreateAccountStatus", "AccountId").(string), name != "eve")
	}
	everything := []any{"EC2", "ECR", "LAMBDA", "CODE_REPOSITORY"}
	for _, region := range w.Regions {
		w.ask("management", region, "inspector2", "EnableDelegatedAdminAccount", map[string]any{"delegatedAdminAccountId": w.id("audit")})
		for _, member := range []string{"ann", "ben", "management"} {
			w.ask("audit", region, "inspector2", "AssociateMember", map[string]any{"accountId": w.id(member)})
			w.await(member+" is associated", func() bool {
				out := w.ask("audit", region, "inspector2", "GetMember", map[string]any{"accountId": w.id(member)})
				return livetest.Dig(out, "member", "relationshipStatus") == "ENABLED"
			})
		}
		members := []any{w.id("audit"), w.id("ann"), w.id("ben"), w.id("management")}
		w.ask("audit", region, "inspector2", "Enable", map[string]any{"accountIds": members, "resourceTypes": everything})
		for _, name := range []string{"eve", "stranger"} {
			w.ask(name, region, "inspector2", "Enable", map[string]any{"resourceTypes": everything})
		}
		for _, a := range w.Accounts {
			w.await(a.Name+" scans", func() bool {
				out := w.ask(a.Name, region, "inspector2", "BatchGetAccountStatus", nil)
				return livetest.Dig(out, "accounts", 0, "resourceState", "lambda", "status") == "ENABLED"
			})
		}
	}
}

func (w *world) await(what string, so func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatal("in vain: " + what)
		}
	}
}

// settle waits until no scan is due or under way.
func (w *world) settle() {
	w.Helper()
	w.await("the scans end", func() bool {
		settled, err := w.server.ScansSettled(w.Context())
		w.must(err)
		return settled
	})
}

// upload sends an archive and returns its id.
func (w *world) upload(account, region string, body []byte) string {
	id := w.ask(account, region, "muster", "CreateUpload", nil)["uploadId"].(string)
	w.ask(account, region, "muster", "PutUploadPart", map[string]any{"uploadId": id, "partNumber": 0, "data": base64.StdEncoding.EncodeToString(body)})
	return id
}

func tagsOf(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}
