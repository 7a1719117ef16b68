package recount

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"muster/internal/agentwire"
	"muster/internal/inventory"
)

// host speaks as an agent would.
type host struct {
	id       agentwire.HostID
	key      ed25519.PrivateKey
	sequence int64
	os       inventory.OS
}

func system(version, codename string) inventory.OS {
	return inventory.OS{ID: "debian", VersionID: version, Codename: codename, PrettyName: "Debian GNU/Linux " + version + " (" + codename + ")",
		Ecosystem: "Debian:" + version, Platform: "DEBIAN_" + version, Arch: "X86_64"}
}

// odd are tags that want escaping somewhere.
var odd = []map[string]string{
	{"Name": "web", "owner@x.y:z": "a b+c=d"}, {"Größe/α": "ß", "Name": "Web"}, {}, {"empty": "", "Name": "web-1"}, {"name": "web", "a_b-": "_-"}, nil,
}

// machines enrols hosts, and tells what is on each of them three times over.
func (w *world) machines() {
	counts := []struct {
		account, region string
		hosts           int
	}{{"ann", near, 6}, {"ben", near, 5}, {"audit", near, 2}, {"management", near, 1}, {"eve", near, 2}, {"stranger", near, 2}, {"ann", far, 2}, {"audit", far, 1}}
	n := 0
	for _, c := range counts {
		for range c.hosts {
			r := &resource{Account: c.account, Region: c.region, Type: "AWS_EC2_INSTANCE", ID: fmt.Sprintf("i-%017x", 0xa0+n), Tags: odd[n%len(odd)], system: "12"}
			if n%4 == 1 {
				r.system = "11"
			}
			w.enroll(r)
			w.install(r, n)
			w.Resources = append(w.Resources, r)
			n++
		}
	}
	for round := range 3 {
		for _, r := range w.Resources {
			if round < len(r.Reports) {
				w.report(r, r.Reports[round])
			}
		}
		w.settle()
	}
}

// install plans a host's reports: some mend what they had, some bring it back.
func (w *world) install(r *resource, n int) {
	first := append(install(w.r, debian, 3+w.r.IntN(6), nil), install(w.r, pypi, w.r.IntN(3), func(name string) string {
		return "/usr/lib/python3/dist-packages/" + name + ".dist-info/METADATA"
	})...)
	r.Reports = [][]pkg{first}
	if n%3 == 0 {
		var mended []pkg
		for _, p := range first {
			p.Version += w.r.IntN(6)
			mended = append(mended, p)
		}
		r.Reports = append(r.Reports, mended)
		if n%2 == 0 {
			r.Reports = append(r.Reports, first)
		}
	}
	switch n {
	case 2:
		r.End = "excluded"
	case 5:
		r.End = "stopped"
	case 8:
		r.End = "revoked"
	case 9:
		r.Reports = nil
	}
}

func (w *world) enroll(r *resource) {
	w.Helper()
	w.enrollAs(r, system(r.system, map[string]string{"11": "bullseye", "12": "bookworm"}[r.system]))
}

func (w *world) enrollAs(r *resource, os inventory.OS) {
	w.Helper()
	in := map[string]any{"instanceId": r.ID}
	if len(r.Tags) > 0 {
		in["tags"] = tagsOf(r.Tags)
	}
	code := w.ask(r.Account, r.Region, "muster", "CreateActivation", in)["activationCode"].(string)
	public, private, err := ed25519.GenerateKey(nil)
	w.must(err)
	r.host = &host{key: private, os: os}
	r.Details = map[string]any{"platform": r.host.os.Platform}
	body, err := json.Marshal(agentwire.EnrollRequest{ActivationCode: code, PublicKey: public, Label: r.ID, OS: agentwire.NewOS(r.host.os), AgentVersion: "recount"})
	w.must(err)
	var out agentwire.EnrollResponse
	w.tell(agentwire.PathEnroll, body, agentwire.NewHost, 0, private, &out)
	if r.host.id = out.HostID; string(out.HostID) != r.ID {
		w.Fatalf("%s was enrolled as %s", r.ID, out.HostID)
	}
}

func (w *world) report(r *resource, packages []pkg) {
	w.Helper()
	inv := inventory.Inventory{OS: r.host.os}
	for _, p := range packages {
		c := inventory.Component{Ecosystem: r.host.os.Ecosystem, Name: p.Name, Version: p.text(), Arch: "amd64", Source: p.Name, SourceVersion: p.text(), Manager: inventory.ManagerOS}
		if p.Ecosystem == pypi {
			c = inventory.Component{Ecosystem: pypi, Name: p.Name, Version: p.text(), Manager: inventory.ManagerPythonPkg}
		}
		inv.Items = append(inv.Items, inventory.Item{Component: c, Path: p.Path})
	}
	w.tellInventory(r, inv)
}

func (w *world) tellInventory(r *resource, inv inventory.Inventory) {
	w.Helper()
	r.host.sequence++
	body, err := agentwire.EncodeReport(&agentwire.Report{HostID: r.host.id, Sequence: r.host.sequence, CollectedAt: time.Now().UTC(),
		AgentVersion: "recount", InventoryHash: inv.Hash(), Inventory: &inv})
	w.must(err)
	var out agentwire.ReportResponse
	w.tell(agentwire.PathReport, body, r.host.id, r.host.sequence, r.host.key, &out)
	if !out.Accepted {
		w.Fatalf("the report of %s was not accepted", r.ID)
	}
}

func (w *world) tell(path string, body []byte, as agentwire.HostID, sequence int64, key ed25519.PrivateKey, out any) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.URL+path, bytes.NewReader(body))
	w.must(err)
	req.Header.Set("Content-Type", "application/json")
	agentwire.Sign(req, path, body, as, sequence, key, time.Now())
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	w.must(err)
	if resp.StatusCode != http.StatusOK {
		w.Fatalf("%s: %s %s", path, resp.Status, answer)
	}
	w.must(json.Unmarshal(answer, out))
}

// happen is what becomes of some hosts in the end.
func (w *world) happen() {
	for _, r := range w.Resources {
		if r.host == nil {
			continue
		}
		switch r.End {
		case "excluded":
			r.Tags = map[string]string{"inspectorEC2exclusion": ""}
			w.ask(r.Account, r.Region, "muster", "TagHost", map[string]any{"hostId": r.ID, "tags": tagsOf(r.Tags)})
		case "stopped":
			w.ask(r.Account, r.Region, "muster", "SetHostState", map[string]any{"hostId": r.ID, "state": "STOPPED"})
		case "revoked":
			w.ask(r.Account, r.Region, "muster", "RevokeHost", map[string]any{"hostId": r.ID})
		}
	}
}

// networks tells how the internet reaches two hosts each of ann and ben, and
// one instance that has no agent.
func (w *world) networks() {
	for _, account := range []string{"ann", "ben"} {
		var instances []any
		n := 0
		for _, r := range w.Resources {
			if r.Account == account && r.Region == near && n < 2 {
				instances = append(instances, instance(r.ID, n, r.Tags))
				r.Details["imageId"], r.Details["vpcId"], r.Details["subnetId"] = image(n), "vpc-"+account+"1", "subnet-"+account+"1"
				n++
			}
		}
		bare := map[string]string{"ann": "i-0123456789abcdef0", "ben": "i-0123456789abcdef1"}[account]
		instances = append(instances, instance(bare, n, odd[0]))
		w.Resources = append(w.Resources, &resource{Account: account, Region: near, Type: "AWS_EC2_INSTANCE", ID: bare, Tags: odd[0],
			Details: map[string]any{"imageId": image(n), "vpcId": "vpc-" + account + "1", "subnetId": "subnet-" + account + "1"}})
		facts := map[string]any{
			"Vpcs":             []any{map[string]any{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}},
			"Subnets":          []any{map[string]any{"SubnetId": "subnet-1", "VpcId": "vpc-1", "CidrBlock": "10.0.0.0/24", "AvailabilityZone": near + "a"}},
			"InternetGateways": []any{map[string]any{"InternetGatewayId": "igw-1", "Attachments": []any{map[string]any{"VpcId": "vpc-1", "State": "available"}}}},
			"RouteTables": []any{map[string]any{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": []any{map[string]any{"Main": true}}, "Routes": []any{
				map[string]any{"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local"}, map[string]any{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}}}},
			"NetworkAcls": []any{map[string]any{"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": true, "Associations": []any{map[string]any{"SubnetId": "subnet-1"}},
				"Entries": []any{rule(false), rule(true)}}},
			"SecurityGroups": []any{group("sg-0", "tcp", 22, 22), group("sg-1", "tcp", 80, 90), group("sg-2", "udp", 53, 53)},
			"Reservations":   []any{map[string]any{"Instances": instances}},
		}
		body, err := json.Marshal(facts)
		w.must(err)
		body = ids.ReplaceAll(body, []byte(`"$1-`+account+`$2"`))
		w.ask(account, near, "muster", "UploadNetworkFacts", map[string]any{"accountId": w.id(account),
			"files": []any{map[string]any{"name": "facts.json", "content": base64.StdEncoding.EncodeToString(body)}}})
	}
}

// ids are those of parts of networks, which no two accounts share.
var ids = regexp.MustCompile(`"(vpc|subnet|igw|rtb|acl|eni|sg)-([0-9])"`)

func image(n int) string { return fmt.Sprintf("ami-%d", n%2) }

func instance(id string, n int, tags map[string]string) map[string]any {
	list := []any{}
	for k, v := range tags {
		list = append(list, map[string]any{"Key": k, "Value": v})
	}
	return map[string]any{"InstanceId": id, "ImageId": image(n), "State": map[string]any{"Name": "running"}, "VpcId": "vpc-1", "SubnetId": "subnet-1", "Tags": list,
		"NetworkInterfaces": []any{map[string]any{"NetworkInterfaceId": fmt.Sprintf("eni-%d", n), "VpcId": "vpc-1", "SubnetId": "subnet-1",
			"Groups": []any{map[string]any{"GroupId": fmt.Sprintf("sg-%d", n)}}, "PrivateIpAddress": fmt.Sprintf("10.0.0.%d", 5+n),
			"Association": map[string]any{"PublicIp": fmt.Sprintf("54.0.0.%d", 5+n)}}}}
}

func group(id, protocol string, from, to int) map[string]any {
	return map[string]any{"GroupId": id, "VpcId": "vpc-1", "IpPermissions": []any{map[string]any{"IpProtocol": protocol, "FromPort": from, "ToPort": to,
		"IpRanges": []any{map[string]any{"CidrIp": "0.0.0.0/0"}}}}}
}

func rule(egress bool) map[string]any {
	return map[string]any{"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"}
}
