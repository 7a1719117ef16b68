package facts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"

	"muster/internal/arn"
)

// Bounds of what is read. A Region of 100,000 interfaces is some 200 MB.
const (
	maxFile     = 512 << 20
	maxTotal    = 2 << 30
	maxFiles    = 20_000
	maxElements = 5_000_000
	maxNesting  = 4
)

// Reader gathers describe answers and joins them to facts. The zero value is
// ready to use.
type Reader struct {
	b        builder
	files    int
	total    int64
	elements int
}

// builder is what was read and is not joined yet.
type builder struct {
	Facts
	// embedded are the interfaces as instances tell of them.
	embedded []Interface
	elastics []wireAddress
	// loose are rules that were told apart from their groups.
	loose         []looseRule
	listeners     []wireListener
	healths       []wireHealth
	attributeSets []wireAttributes
}

// element reads one element of a list.
type element func(b *builder, dec *json.Decoder, p place) error

// list makes an element reader of a conversion.
func list[T any](convert func(*builder, *T, place) error) element {
	return func(b *builder, dec *json.Decoder, p place) error {
		var w T
		if err := dec.Decode(&w); err != nil {
			return err
		}
		return convert(b, &w, p)
	}
}

// lists names the members of answers that are lists of resources, without
// regard to case and underscores.
func lists() map[string]element {
	return map[string]element{
		"vpcs": list((*builder).vpc), "subnets": list((*builder).subnet),
		"reservations": list((*builder).reservation), "instances": list((*builder).instance),
		"networkinterfaces": list((*builder).networkInterface), "addresses": list((*builder).elastic),
		"routetables": list((*builder).routeTable), "networkacls": list((*builder).acl),
		"securitygroups": list((*builder).group), "securitygrouprules": list((*builder).groupRule), "prefixlists": list((*builder).prefixList),
		"internetgateways": list((*builder).internetGateway), "egressonlyinternetgateways": list((*builder).egressOnly),
		"vpngateways": list((*builder).vpnGateway), "natgateways": list((*builder).natGateway),
		"vpnconnections": list((*builder).vpn), "virtualinterfaces": list((*builder).directConnect),
		"directconnectgatewayassociations": list((*builder).directConnect),
		"vpcpeeringconnections":            list((*builder).peering), "vpcendpoints": list((*builder).endpoint),
		"transitgateways": list((*builder).transitGateway), "transitgatewayattachments": list((*builder).attachment),
		"transitgatewayvpcattachments":     list((*builder).attachment),
		"transitgatewaypeeringattachments": list((*builder).attachment),
		"transitgatewayroutetables":        list((*builder).transitTable),
		"transitgatewaystaticroutes":       list((*builder).transitTable),
		"transitgatewayroutes":             list((*builder).transitTable),
		"transitgatewaypropagations":       list((*builder).transitTable),
		"loadbalancers":                    list((*builder).balancer), "loadbalancerdescriptions": list((*builder).classic),
		"listeners": list((*builder).listener), "loadbalancerlisteners": list((*builder).listener),
		"rules": list((*builder).listener), "targetgroups": list((*builder).targetGroup),
		"loadbalancertargethealth": list((*builder).health), "loadbalancerattributes": list((*builder).attributes),
		"targetgroupattributes": list((*builder).attributes),
	}
}

// wholes names the members whose answer is one resource, so that the whole
// object is read as that.
func wholes() map[string]element {
	return map[string]element{
		"targethealthdescriptions":             list((*builder).health),
		"attributes":                           list((*builder).attributes),
		"entries":                              list((*builder).prefixList),
		"collectedat":                          list((*builder).collection),
		"routes":                               list((*builder).transitTable),
		"transitgatewayroutetablepropagations": list((*builder).transitTable),
	}
}

// plain folds the spellings of a member's name.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// Add reads one file. Its name may say the account (twelve digits) and the
// Region, as folders do: 111122223333/eu-west-1/Subnets.json. Errors name the
// file, the list and the element.
func (r *Reader) Add(name string, in io.Reader) error {
	if r.files++; r.files > maxFiles {
		return fmt.Errorf("%s: more than %d files", name, maxFiles)
	}
	limited := &io.LimitedReader{R: in, N: min(maxFile, maxTotal-r.total) + 1}
	allowed := limited.N
	dec := json.NewDecoder(limited)
	err := r.value(dec, name, placeOf(name), 0)
	r.total += allowed - limited.N
	switch {
	case limited.N <= 0:
		return fmt.Errorf("%s: larger than %d MiB", name, (allowed-1)>>20)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s: cut off or empty", name)
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// placeOf reads account and Region from the components of a path.
func placeOf(name string) place {
	var p place
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		p = p.inside(part)
	}
	return p
}

// inside is the place one folder, or one member, further down.
func (p place) inside(part string) place {
	switch account := arn.AccountID(part); {
	case account.Valid():
		p.Account = account
	case regionName(part):
		p.Region = arn.Region(part)
	}
	return p
}

// regionName reports whether a text has the form of a Region.
func regionName(text string) bool {
	fields := strings.Split(text, "-")
	n := len(fields)
	return n >= 3 && len(fields[0]) == 2 && len(fields[n-1]) == 1 && fields[n-1] >= "1" && fields[n-1] <= "9" && strings.ToLower(text) == text
}

// value reads an object of answers; anything else is no answer and skipped.
func (r *Reader) value(dec *json.Decoder, name string, p place, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return skip(dec, token)
	}
	whole := map[string]json.RawMessage{}
	known, single := lists(), wholes()
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		member := plain(fmt.Sprint(key))
		read, listed := known[member]
		if _, alone := single[member]; !listed || alone {
			if err := r.member(dec, name, fmt.Sprint(key), p, depth, whole); err != nil {
				return err
			}
			continue
		}
		if err := r.list(dec, fmt.Sprint(key), read, p); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	return r.whole(name, whole, p)
}

// member reads what is no list of resources: it is kept for whole, searched
// for further answers, or ignored.
func (r *Reader) member(dec *json.Decoder, name, key string, p place, depth int, whole map[string]json.RawMessage) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	if len(raw) > 0 && raw[0] == '{' && depth < maxNesting {
		return r.value(json.NewDecoder(strings.NewReader(string(raw))), name, p.inside(key), depth+1)
	}
	whole[key] = raw
	return nil
}

// list reads the elements of one list; null is an empty list.
func (r *Reader) list(dec *json.Decoder, key string, read element, p place) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		return skip(dec, token)
	}
	for i := 0; dec.More(); i++ {
		if r.elements++; r.elements > maxElements {
			return fmt.Errorf("more than %d resources", maxElements)
		}
		if err := read(&r.b, dec, p); err != nil {
			return fmt.Errorf("%s[%d]: %w", key, i, err)
		}
	}
	_, err = dec.Token()
	return err
}

// skip passes over the rest of a value whose first token was read.
func skip(dec *json.Decoder, token json.Token) error {
	depth := 0
	for {
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
		var err error
		if token, err = dec.Token(); err != nil {
			return err
		}
	}
}

// named finds the resource that an answer is about in a file's name, where
// tools put the parameters of the call.
var named = regexp.MustCompile(`arn:[a-z-]+:elasticloadbalancing:[^"/]*:(?:targetgroup/[^"/]+|loadbalancer/[a-z]+/[^"/]+)/[0-9a-f]+|pl-[0-9a-f]+|tgw-rtb-[0-9a-f]+`)

// whole reads the members left over as one resource, when they are one.
func (r *Reader) whole(name string, members map[string]json.RawMessage, p place) error {
	for key := range members {
		read, ok := wholes()[plain(key)]
		if !ok {
			continue
		}
		if text, err := url.PathUnescape(name); err == nil {
			addName(members, named.FindString(text))
		}
		data, err := json.Marshal(members)
		if err != nil {
			return err
		}
		if err := read(&r.b, json.NewDecoder(strings.NewReader(string(data))), p); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	return nil
}

// addName adds the id from a file's name where the answer lacks it.
func addName(members map[string]json.RawMessage, id string) {
	member := ""
	switch {
	case strings.Contains(id, ":loadbalancer/"):
		member = "LoadBalancerArn"
	case strings.HasPrefix(id, "arn:"):
		member = "TargetGroupArn"
	case strings.HasPrefix(id, "pl-"):
		member = "PrefixListId"
	case strings.HasPrefix(id, "tgw-rtb-"):
		member = "TransitGatewayRouteTableId"
	default:
		return
	}
	if _, ok := members[member]; !ok {
		members[member] = json.RawMessage(`"` + id + `"`)
	}
}
