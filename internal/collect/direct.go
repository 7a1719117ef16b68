package collect

import (
	"context"
	"fmt"

	"muster/internal/collect/query"
)

// Direct Connect speaks JSON already.
type (
	virtualInterface struct {
		VirtualInterfaceID     string `json:"virtualInterfaceId,omitempty"`
		VirtualInterfaceState  string `json:"virtualInterfaceState,omitempty"`
		VirtualGatewayID       string `json:"virtualGatewayId,omitempty"`
		DirectConnectGatewayID string `json:"directConnectGatewayId,omitempty"`
		OwnerAccount           string `json:"ownerAccount,omitempty"`
	}
	directGateway struct {
		DirectConnectGatewayID string `json:"directConnectGatewayId,omitempty"`
		OwnerAccount           string `json:"ownerAccount,omitempty"`
	}
	directAssociation struct {
		DirectConnectGatewayID string `json:"directConnectGatewayId,omitempty"`
		AssociationState       string `json:"associationState,omitempty"`
		AssociatedGateway      struct {
			ID           string `json:"id,omitempty"`
			Type         string `json:"type,omitempty"`
			OwnerAccount string `json:"ownerAccount,omitempty"`
			Region       string `json:"region,omitempty"`
		} `json:"associatedGateway"`
	}
)

// directPage is a page of any of Direct Connect's lists.
type directPage struct {
	VirtualInterfaces                []virtualInterface  `json:"virtualInterfaces"`
	DirectConnectGateways            []directGateway     `json:"directConnectGateways"`
	DirectConnectGatewayAssociations []directAssociation `json:"directConnectGatewayAssociations"`
	NextToken                        string              `json:"nextToken"`
}

func virtualInterfaces(ctx context.Context, g *gathering, _ *listing) (any, error) {
	return directPages(ctx, g, "DescribeVirtualInterfaces", nil, func(p *directPage) []virtualInterface { return p.VirtualInterfaces })
}

func directGateways(ctx context.Context, g *gathering, _ *listing) (any, error) {
	list, err := directPages(ctx, g, "DescribeDirectConnectGateways", nil, func(p *directPage) []directGateway { return p.DirectConnectGateways })
	if err == nil {
		g.directs = list
	}
	return list, err
}

func (g *gathering) associations(ctx context.Context, d *directGateway) ([]directAssociation, error) {
	return directPages(ctx, g, "DescribeDirectConnectGatewayAssociations", map[string]any{"directConnectGatewayId": d.DirectConnectGatewayID},
		func(p *directPage) []directAssociation { return p.DirectConnectGatewayAssociations })
}

func directPages[T any](ctx context.Context, g *gathering, action string, params map[string]any, rows func(*directPage) []T) ([]T, error) {
	in := map[string]any{}
	for key, v := range params {
		in[key] = v
	}
	all := []T{}
	for range maxPages {
		var p directPage
		if err := g.client.JSON(ctx, query.DirectConnect(), action, in, &p); err != nil {
			return nil, err
		}
		all = append(all, rows(&p)...)
		if p.NextToken == "" {
			return inOrder(all)
		}
		if p.NextToken == in["nextToken"] {
			break
		}
		in["nextToken"] = p.NextToken
	}
	return nil, fmt.Errorf("%s: more pages than there can be", action)
}
