package collect

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"muster/internal/collect/query"

	"golang.org/x/sync/errgroup"
)

// details asks what the lists do not tell: the entries of prefix lists, the
// routes of transit gateways, where load balancers lead.
func (g *gathering) details(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	each(group, g, running, "DescribeManagedPrefixLists", "PrefixLists", g.prefixLists, g.entries)
	each(group, g, running, "SearchTransitGatewayRoutes", "TransitGatewayRoutes", g.transit, g.transitRoutes)
	each(group, g, running, "GetTransitGatewayRouteTablePropagations", "TransitGatewayPropagations", g.transit, g.propagations)
	each(group, g, running, "DescribeDirectConnectGatewayAssociations", "directConnectGatewayAssociations", g.directs, g.associations)
	each(group, g, running, "DescribeTargetHealth", "LoadBalancerTargetHealth", g.targetGroups, g.health)
	each(group, g, running, "DescribeTargetGroupAttributes", "TargetGroupAttributes", g.targetGroups, g.groupAttributes)
	each(group, g, running, "DescribeLoadBalancerAttributes", "LoadBalancerAttributes", g.balancers, g.balancerAttributes)
	each(group, g, running, "DescribeClassicLoadBalancerAttributes", "LoadBalancerAttributes", g.classics, g.classicAttributes)
	each(group, g, running, "DescribeListeners", "LoadBalancerListeners", g.balancers, g.listenersOf)
	if err := group.Wait(); err != nil {
		return err
	}
	group, running = errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	each(group, g, running, "DescribeRules", "Rules", g.listeners, g.rules)
	return group.Wait()
}

// each asks about all elements of a list and keeps the answers in their order.
// It returns at once; a file appears when all were asked about, without those
// that were not answered.
func each[T, D any](group *errgroup.Group, g *gathering, ctx context.Context, file, member string, all []T, ask func(context.Context, *T) ([]D, error)) {
	answers := make([][]D, len(all))
	left := len(all)
	for i := range all {
		group.Go(func() error {
			got, err := ask(ctx, &all[i])
			if err != nil {
				got, err = nil, g.failed(ctx, file, false, err)
			}
			g.mu.Lock()
			answers[i] = got
			left--
			done := left == 0
			g.mu.Unlock()
			if done {
				g.put(file, member, slices.Concat(answers...))
			}
			return err
		})
	}
}

func (g *gathering) ec2(action, element string, size int) *listing {
	return &listing{service: query.EC2(), action: action, element: element, size: size}
}

func (g *gathering) balancing(action, element string, size int) *listing {
	return &listing{service: query.Balancing(), action: action, element: element, size: size}
}

// listed is a prefix list with its entries, nil where they were not told.
type listed struct {
	prefixList
	Entries []prefixListEntry `json:"Entries,omitzero"`
}

func (g *gathering) entries(ctx context.Context, l *prefixList) ([]listed, error) {
	entries, err := pages[prefixListEntry](ctx, g, g.ec2("GetManagedPrefixListEntries", "entrySet", 100), url.Values{"PrefixListId": {l.PrefixListID}})
	if err != nil {
		err = g.failed(ctx, "DescribeManagedPrefixLists", false, err)
	}
	return []listed{{*l, entries}}, err
}

// transitRoutes are the routes of a table of a transit gateway.
type transitRoutes struct {
	TransitGatewayRouteTableID string         `json:"TransitGatewayRouteTableId"`
	Routes                     []transitRoute `json:"Routes"`
}

func (g *gathering) transitRoutes(ctx context.Context, t *transitTable) ([]transitRoutes, error) {
	routes, err := g.searchRoutes(ctx, t.TransitGatewayRouteTableID, netip.Prefix{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(routes, func(a, b transitRoute) int {
		if a.DestinationCIDRBlock < b.DestinationCIDRBlock {
			return -1
		}
		return 1
	})
	return []transitRoutes{{t.TransitGatewayRouteTableID, slices.CompactFunc(routes, func(a, b transitRoute) bool {
		return a.DestinationCIDRBlock == b.DestinationCIDRBlock
	})}}, nil
}

// searchRoutes searches a table; within is the block to search in, invalid for
// everything. A search gives 1,000 routes at most, so that larger tables are
// searched in halves, quarters, and so on.
func (g *gathering) searchRoutes(ctx context.Context, table string, within netip.Prefix) ([]transitRoute, error) {
	filter := map[string][]string{"state": {"active", "blackhole"}}
	if within.IsValid() {
		filter["route-search.subnet-of-match"] = []string{within.String()}
	}
	routes, err := g.search(ctx, table, filter)
	if !errors.Is(err, errMore) {
		return routes, err
	}
	parts := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	if within.IsValid() {
		if parts = halves(within); parts == nil {
			return nil, err
		}
		// A route to the block itself lies in neither half.
		if routes, err = g.search(ctx, table, map[string][]string{"route-search.exact-match": {within.String()}, "state": {"active", "blackhole"}}); err != nil {
			return nil, err
		}
	}
	for _, p := range parts {
		more, err := g.searchRoutes(ctx, table, p)
		if err != nil {
			return nil, err
		}
		routes = append(routes, more...)
	}
	return routes, nil
}

func (g *gathering) search(ctx context.Context, table string, filters map[string][]string) ([]transitRoute, error) {
	params := url.Values{"TransitGatewayRouteTableId": {table}}
	n := 0
	for name, values := range filters {
		n++
		key := "Filter." + strconv.Itoa(n)
		params.Set(key+".Name", name)
		for i, v := range values {
			params.Set(key+".Value."+strconv.Itoa(i+1), v)
		}
	}
	return pages[transitRoute](ctx, g, g.ec2("SearchTransitGatewayRoutes", "routeSet", 1000), params)
}

// halves are those of a block; nil for a single address.
func halves(p netip.Prefix) []netip.Prefix {
	bits := p.Bits()
	if bits == p.Addr().BitLen() {
		return nil
	}
	upper := p.Addr().AsSlice()
	upper[bits/8] |= 0x80 >> (bits % 8)
	second, _ := netip.AddrFromSlice(upper)
	return []netip.Prefix{netip.PrefixFrom(p.Addr(), bits+1), netip.PrefixFrom(second, bits+1)}
}

// propagations are the attachments that announce routes in a table.
type propagations struct {
	TransitGatewayRouteTableID           string               `json:"TransitGatewayRouteTableId"`
	TransitGatewayRouteTablePropagations []transitPropagation `json:"TransitGatewayRouteTablePropagations"`
}

func (g *gathering) propagations(ctx context.Context, t *transitTable) ([]propagations, error) {
	list, err := pages[transitPropagation](ctx, g, g.ec2("GetTransitGatewayRouteTablePropagations", "transitGatewayRouteTablePropagations", 1000),
		url.Values{"TransitGatewayRouteTableId": {t.TransitGatewayRouteTableID}})
	return []propagations{{t.TransitGatewayRouteTableID, list}}, err
}
