// Package collecttest stands in for EC2, Elastic Load Balancing and Direct
// Connect in tests: a server that answers describe calls in the services' own
// forms, in pages, to callers whose signatures are right, and fails as the
// services fail. A world of several accounts and Regions is one file.
package collecttest

import (
	"bytes"
	"cmp"
	_ "embed" // The world.
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/tools/txtar"
)

// Server answers describe calls.
type Server struct {
	*httptest.Server
	// Account says whose calls are signed with a key; nil means that the key's
	// id is the account.
	Account func(r *http.Request, body []byte) (account string, err error)
	// Page is how many rows a page has at most.
	Page int
	// Fail decides about a call before it is answered; nil fails none.
	Fail func(c Call) *Failure

	mu    sync.Mutex
	world map[string][]byte
	calls []Call
}

// Configure changes the server's settings where it may be answering already,
// or is asked by another process, whom nothing else orders after the change.
func (s *Server) Configure(change func(s *Server)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// configured waits for changes under way.
func (s *Server) configured() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

// Call is one that was made.
type Call struct {
	Account, Region, Service, Action string
	Params                           url.Values
	// Nth counts the calls of the action in the account and Region, from 1.
	Nth int
}

// Failure is an answer in place of the right one.
type Failure struct {
	Status        int
	Code, Message string
}

// New starts a server with the world of this package's testdata; it ends with
// the test.
func New(t Cleaner) *Server { return Start(t, world) }

// Cleaner ends the server: a test is one.
type Cleaner interface{ Cleanup(end func()) }

//go:embed testdata/world.txtar
var world []byte

// Start starts a server with a world: a txtar whose files are named ACCOUNT
// REGION ACTION, and PARAMETER=VALUE for calls about one thing, and hold the
// rows of the answer.
func Start(t Cleaner, world []byte) *Server {
	s := &Server{Page: 2, world: map[string][]byte{}}
	for _, f := range txtar.Parse(world).Files {
		s.world[strings.Join(strings.Fields(f.Name), " ")] = f.Data
	}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// RoundTrip answers without a connection, for clients whose time is virtual.
func (s *Server) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// Set replaces the rows of an answer.
func (s *Server) Set(key string, rows string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world[key] = []byte(rows)
}

// Rows are those of an answer.
func (s *Server) Rows(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.world[key])
}

// Calls are all that were made so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// scope finds the key and what it signs for in the header of signature v4.
var scope = regexp.MustCompile(`Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request`)

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.configured()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	signed := scope.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		s.refuse(w, "ec2", &Failure{http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"})
		return
	}
	c := Call{Account: signed[1], Region: signed[2], Service: signed[3]}
	if s.Account != nil {
		if c.Account, err = s.Account(r, body); err != nil {
			s.refuse(w, c.Service, &Failure{http.StatusUnauthorized, "AuthFailure", err.Error()})
			return
		}
	}
	if err := c.read(r, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	c.Nth = 1
	for _, o := range s.calls {
		if o.Action == c.Action && o.Account == c.Account && o.Region == c.Region && o.Service == c.Service {
			c.Nth++
		}
	}
	s.calls = append(s.calls, c)
	s.mu.Unlock()
	if s.Fail != nil {
		if f := s.Fail(c); f != nil {
			s.refuse(w, c.Service, f)
			return
		}
	}
	s.answer(w, &c)
}

// read reads the call's action and parameters.
func (c *Call) read(r *http.Request, body []byte) error {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, c.Action, _ = strings.Cut(target, ".")
		in := map[string]any{}
		if err := json.Unmarshal(body, &in); err != nil {
			return err
		}
		c.Params = url.Values{}
		for key, v := range in {
			c.Params.Set(key, fmt.Sprint(v))
		}
		return nil
	}
	var err error
	c.Params, err = url.ParseQuery(string(body))
	c.Action = c.Params.Get("Action")
	return err
}

// form is how an action answers.
type form struct {
	// list and row are the elements around the rows and of one row.
	list, row string
	// about is the parameter that says what the call is about.
	about string
	// paged actions give pages.
	paged bool
}

func forms() map[string]form {
	return map[string]form{
		"DescribeVpcs": {"vpcSet", "item", "", true}, "DescribeSubnets": {"subnetSet", "item", "", true},
		"DescribeInstances": {"reservationSet", "item", "", true}, "DescribeNetworkInterfaces": {"networkInterfaceSet", "item", "", true},
		"DescribeAddresses": {"addressesSet", "item", "", false}, "DescribeRouteTables": {"routeTableSet", "item", "", true},
		"DescribeNetworkAcls": {"networkAclSet", "item", "", true}, "DescribeSecurityGroups": {"securityGroupInfo", "item", "", true},
		"DescribeManagedPrefixLists":         {"prefixListSet", "item", "", true},
		"GetManagedPrefixListEntries":        {"entrySet", "item", "PrefixListId", true},
		"DescribeInternetGateways":           {"internetGatewaySet", "item", "", true},
		"DescribeEgressOnlyInternetGateways": {"egressOnlyInternetGatewaySet", "item", "", true},
		"DescribeVpnGateways":                {"vpnGatewaySet", "item", "", false}, "DescribeNatGateways": {"natGatewaySet", "item", "", true},
		"DescribeVpnConnections":                   {"vpnConnectionSet", "item", "", false},
		"DescribeVpcPeeringConnections":            {"vpcPeeringConnectionSet", "item", "", true},
		"DescribeVpcEndpoints":                     {"vpcEndpointSet", "item", "", true},
		"DescribeTransitGateways":                  {"transitGatewaySet", "item", "", true},
		"DescribeTransitGatewayAttachments":        {"transitGatewayAttachments", "item", "", true},
		"DescribeTransitGatewayVpcAttachments":     {"transitGatewayVpcAttachments", "item", "", true},
		"DescribeTransitGatewayPeeringAttachments": {"transitGatewayPeeringAttachments", "item", "", true},
		"DescribeTransitGatewayRouteTables":        {"transitGatewayRouteTables", "item", "", true},
		"SearchTransitGatewayRoutes":               {"routeSet", "item", "TransitGatewayRouteTableId", false},
		"GetTransitGatewayRouteTablePropagations":  {"transitGatewayRouteTablePropagations", "item", "TransitGatewayRouteTableId", true},
		"DescribeRegions":                          {"regionInfo", "item", "", false},
		"DescribeLoadBalancers":                    {"LoadBalancers", "member", "", true},
		"DescribeTargetGroups":                     {"TargetGroups", "member", "", true},
		"DescribeListeners":                        {"Listeners", "member", "LoadBalancerArn", true},
		"DescribeRules":                            {"Rules", "member", "ListenerArn", true},
		"DescribeTargetHealth":                     {"TargetHealthDescriptions", "member", "TargetGroupArn", false},
		"DescribeLoadBalancerAttributes":           {"Attributes", "member", "LoadBalancerArn", false},
		"DescribeTargetGroupAttributes":            {"Attributes", "member", "TargetGroupArn", false},
		"DescribeVirtualInterfaces":                {"virtualInterfaces", "", "", false},
		"DescribeDirectConnectGateways":            {"directConnectGateways", "", "", true},
		"DescribeDirectConnectGatewayAssociations": {"directConnectGatewayAssociations", "", "directConnectGatewayId", true},
	}
}

// classic is the version of Elastic Load Balancing's older interface.
const classic = "2012-06-01"

// token answers as STS for callers whose key's id is their account: it knows
// who they are and gives them any role.
func token(w http.ResponseWriter, c *Call) {
	const space = "https://sts.amazonaws.com/doc/2011-06-15/"
	role := strings.Split(c.Params.Get("RoleArn"), ":")
	if c.Action == "GetCallerIdentity" || len(role) < 6 {
		write(w, "text/xml", envelope(c.Action, space, "<Arn>arn:aws:iam::"+c.Account+":user/alice</Arn><Account>"+c.Account+"</Account><UserId>AIDA</UserId>", true))
		return
	}
	write(w, "text/xml", envelope(c.Action, space, "<Credentials><AccessKeyId>"+role[4]+
		"</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>", true))
}

func (s *Server) answer(w http.ResponseWriter, c *Call) {
	if c.Service == "sts" {
		token(w, c)
		return
	}
	f, ok := forms()[c.Action]
	if !ok {
		s.refuse(w, c.Service, &Failure{http.StatusBadRequest, "InvalidAction", "The action " + c.Action + " is not valid for this web service."})
		return
	}
	action := c.Action
	if c.Params.Get("Version") == classic {
		action = "Classic" + action
		f.list = "LoadBalancerDescriptions"
		if c.Action == "DescribeLoadBalancerAttributes" {
			f.about = "LoadBalancerName"
		}
	}
	key := c.Account + " " + c.Region + " " + action
	if f.about != "" {
		key += " " + f.about + "=" + c.Params.Get(f.about)
	}
	s.mu.Lock()
	data := s.world[key]
	s.mu.Unlock()
	switch {
	case f.row == "":
		s.writeJSON(w, c, &f, data)
	case action == "ClassicDescribeLoadBalancerAttributes":
		write(w, "text/xml", envelope(c.Action, "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/", string(data), true))
	default:
		s.writeRows(w, c, &f, rowsOf(data, f.row))
	}
}

// rowsOf cuts the rows apart.
func rowsOf(data []byte, row string) []string {
	var rows []string
	d := xml.NewDecoder(bytes.NewReader(data))
	for {
		from := d.InputOffset()
		token, err := d.Token()
		if err != nil {
			return rows
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == row {
			if err := d.Skip(); err != nil {
				panic(err)
			}
			rows = append(rows, strings.TrimSpace(string(data[from:d.InputOffset()])))
		}
	}
}

// writeRows writes a page of rows.
func (s *Server) writeRows(w http.ResponseWriter, c *Call, f *form, rows []string) {
	tokenIn, tokenOut := "NextToken", "nextToken"
	if f.row == "member" {
		tokenIn, tokenOut = "Marker", "NextMarker"
	}
	var b strings.Builder
	more := c.Action == "SearchTransitGatewayRoutes"
	if more {
		rows = search(rows, c.Params)
	}
	next := ""
	if size, _ := strconv.Atoi(cmp.Or(c.Params.Get("MaxResults"), c.Params.Get("PageSize"))); f.paged && size > 0 {
		from, _ := strconv.Atoi(strings.TrimPrefix(c.Params.Get(tokenIn), "page-"))
		to := min(len(rows), from+min(size, s.Page))
		if to < len(rows) {
			next = fmt.Sprintf("<%s>page-%d</%s>", tokenOut, to, tokenOut)
		}
		rows = rows[min(from, to):to]
	}
	if more {
		fmt.Fprintf(&b, "<additionalRoutesAvailable>%t</additionalRoutesAvailable>", len(rows) > s.Page)
		rows = rows[:min(len(rows), s.Page)]
	}
	fmt.Fprintf(&b, "<%s>\n%s\n</%s>%s", f.list, strings.Join(rows, "\n"), f.list, next)
	space := "http://ec2.amazonaws.com/doc/2016-11-15/"
	if f.row == "member" {
		space = "http://elasticloadbalancing.amazonaws.com/doc/" + c.Params.Get("Version") + "/"
	}
	write(w, "text/xml;charset=UTF-8", envelope(c.Action, space, b.String(), f.row == "member"))
}

// envelope puts the elements around an answer that the protocol has.
func envelope(action, space, inner string, result bool) string {
	const id = "59dbff89-35bd-4eac-99ed-be587EXAMPLE"
	if result {
		return fmt.Sprintf("<%sResponse xmlns=%q>\n<%sResult>%s</%sResult>\n<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>\n",
			action, space, action, inner, action, id, action)
	}
	return fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=%q>\n<requestId>%s</requestId>%s</%sResponse>\n", action, space, id, inner, action)
}

func (s *Server) writeJSON(w http.ResponseWriter, c *Call, f *form, data []byte) {
	var rows []json.RawMessage
	for dec := json.NewDecoder(bytes.NewReader(data)); dec.More(); {
		var row json.RawMessage
		if err := dec.Decode(&row); err != nil {
			panic(err)
		}
		rows = append(rows, row)
	}
	out := map[string]any{}
	from, _ := strconv.Atoi(strings.TrimPrefix(c.Params.Get("nextToken"), "page-"))
	to := len(rows)
	if f.paged {
		if to = min(len(rows), from+s.Page); to < len(rows) {
			out["nextToken"] = "page-" + strconv.Itoa(to)
		}
	}
	out[f.list] = append([]json.RawMessage{}, rows[min(from, to):to]...)
	body, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	write(w, "application/x-amz-json-1.1", string(body))
}

func write(w http.ResponseWriter, kind, body string) {
	w.Header().Set("Content-Type", kind)
	_, _ = io.WriteString(w, body) // A client that is gone is its own affair.
}

// refuse writes an error in the service's form.
func (s *Server) refuse(w http.ResponseWriter, service string, f *Failure) {
	var kind, body string
	switch service {
	case "directconnect":
		kind, body = "application/x-amz-json-1.1", fmt.Sprintf(`{"__type":"com.amazonaws.directconnect#%s","message":%q}`, f.Code, f.Message)
	case "elasticloadbalancing":
		kind, body = "text/xml", fmt.Sprintf(`<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/">
  <Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>c0bd4b3d-EXAMPLE</RequestId></ErrorResponse>`, f.Code, f.Message)
	default:
		kind, body = "text/xml;charset=UTF-8", fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>ea966190-f9aa-478e-9ede-EXAMPLE</RequestID></Response>`, f.Code, f.Message)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, body) // A client that is gone is its own affair.
}
