package collect

import (
	"context"
	"net/url"
	"strconv"

	"muster/internal/collect/query"
)

// groupHealth are the targets of a group. Their health is left out: it changes
// all the time, and reachability does not depend on it.
type groupHealth struct {
	TargetGroupARN           string         `json:"TargetGroupArn"`
	TargetHealthDescriptions []targetHealth `json:"TargetHealthDescriptions"`
}

func (g *gathering) health(ctx context.Context, t *targetGroup) ([]groupHealth, error) {
	list, err := pages[targetHealth](ctx, g, g.balancing("DescribeTargetHealth", "TargetHealthDescriptions", 0), url.Values{"TargetGroupArn": {t.TargetGroupARN}})
	return []groupHealth{{t.TargetGroupARN, list}}, err
}

// attributes are those of a load balancer or a target group that say which
// targets get flows and what they see of clients.
type attributes struct {
	LoadBalancerARN  string      `json:"LoadBalancerArn,omitempty"`
	LoadBalancerName string      `json:"LoadBalancerName,omitempty"`
	TargetGroupARN   string      `json:"TargetGroupArn,omitempty"`
	Attributes       []attribute `json:"Attributes"`
}

const crossZone = "load_balancing.cross_zone.enabled"

// telling leaves the attributes out that nothing depends on.
func telling(all []attribute) []attribute {
	kept := []attribute{}
	for _, a := range all {
		if a.Key == crossZone || a.Key == "preserve_client_ip.enabled" {
			kept = append(kept, a)
		}
	}
	return kept
}

func (g *gathering) groupAttributes(ctx context.Context, t *targetGroup) ([]attributes, error) {
	list, err := pages[attribute](ctx, g, g.balancing("DescribeTargetGroupAttributes", "Attributes", 0), url.Values{"TargetGroupArn": {t.TargetGroupARN}})
	return []attributes{{TargetGroupARN: t.TargetGroupARN, Attributes: telling(list)}}, err
}

func (g *gathering) balancerAttributes(ctx context.Context, b *balancer) ([]attributes, error) {
	list, err := pages[attribute](ctx, g, g.balancing("DescribeLoadBalancerAttributes", "Attributes", 0), url.Values{"LoadBalancerArn": {b.LoadBalancerARN}})
	return []attributes{{LoadBalancerARN: b.LoadBalancerARN, Attributes: telling(list)}}, err
}

// classicAttributes are told in a shape of their own and kept in that of the
// newer kinds.
func (g *gathering) classicAttributes(ctx context.Context, b *classicBalancer) ([]attributes, error) {
	var out struct {
		Enabled bool `xml:"DescribeLoadBalancerAttributesResult>LoadBalancerAttributes>CrossZoneLoadBalancing>Enabled"`
	}
	err := g.client.Query(ctx, query.ClassicBalancing(), "DescribeLoadBalancerAttributes", url.Values{"LoadBalancerName": {b.LoadBalancerName}}, &out)
	return []attributes{{LoadBalancerName: b.LoadBalancerName, Attributes: []attribute{{crossZone, strconv.FormatBool(out.Enabled)}}}}, err
}

func (g *gathering) listenersOf(ctx context.Context, b *balancer) ([]listener, error) {
	list, err := pages[listener](ctx, g, g.balancing("DescribeListeners", "Listeners", 400), url.Values{"LoadBalancerArn": {b.LoadBalancerARN}})
	if b.Type == "application" {
		g.mu.Lock()
		g.listeners = append(g.listeners, list...)
		g.mu.Unlock()
	}
	return list, err
}

func (g *gathering) rules(ctx context.Context, l *listener) ([]listenerRule, error) {
	return pages[listenerRule](ctx, g, g.balancing("DescribeRules", "Rules", 400), url.Values{"ListenerArn": {l.ListenerARN}})
}
