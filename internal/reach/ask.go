package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"muster/internal/awsmodel"
	"muster/internal/awsmodel/muster"
	"muster/internal/inspector"
	"muster/internal/inspector/desk"
	"muster/internal/network"
	"muster/internal/store"
	"muster/internal/store/topology"
)

// visible is the networks that the caller sees: its own ones, and those of the
// members of a delegated administrator. A member gets no word about others'
// networks; what leads there is told as not known.
func (s *Service) visible(ctx context.Context, call *awsmodel.Call) (*view, []topology.Snapshot, error) {
	list, err := store.Read(ctx, s.store, func(tx *store.Tx) ([]topology.Snapshot, error) {
		scope, err := inspector.VisibleAccounts(ctx, tx, call.Account(), call.Region)
		if err != nil {
			return nil, err
		}
		return topology.Snapshots(ctx, tx, scope)
	})
	if err != nil {
		return nil, nil, err
	}
	if len(list) == 0 {
		return nil, nil, &muster.ResourceNotFoundException{Message: "No network facts of accounts that you see are stored; UploadNetworkFacts takes them."}
	}
	v, err := s.view(ctx, list)
	return v, list, err
}

// mostTold is how many accounts and Regions an answer names.
const mostTold = 10

// toldOf says how old the facts are that an answer rests on, and which of them
// are not complete: those first.
func toldOf(list []topology.Snapshot) []string {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b topology.Snapshot) int {
		return cmp.Or(-cmp.Compare(min(len(a.Failure), 1), min(len(b.Failure), 1)), a.CollectedAt.Compare(b.CollectedAt))
	})
	var out []string
	for i := range list[:min(len(list), mostTold)] {
		out = append(out, howOld(&list[i]))
	}
	if left := len(list) - mostTold; left > 0 {
		out = append(out, fmt.Sprintf("The facts of %d more accounts and Regions are younger, or complete.", left))
	}
	return out
}

// howOld says for people how old facts are, and what lacks of them.
func howOld(n *topology.Snapshot) string {
	text := "The facts of " + string(n.Account) + " in " + string(n.Region) + " are of " + n.CollectedAt.UTC().Format(time.RFC3339) + "."
	if n.Failure != "" {
		text += " " + n.FailureText
	}
	return text
}

// ExplainReachability answers whether flows can begin at one thing and arrive
// at another: through what, decided by which rule, and what would change that.
func (s *Service) ExplainReachability(ctx context.Context, call *awsmodel.Call, in *muster.ExplainReachabilityInput) (*muster.ExplainReachabilityOutput, error) {
	v, list, err := s.visible(ctx, call)
	if err != nil {
		return nil, err
	}
	protocol := ""
	if in.Protocol != nil {
		protocol = *in.Protocol
	}
	a, err := v.explain(in.Source, in.Destination, protocol)
	if err != nil {
		return nil, refusal(err)
	}
	out := &muster.ExplainReachabilityOutput{
		Source: a.Source, Destination: a.Destination, Asked: a.Asked, Reachable: a.Reachable,
		Confidence: muster.NetworkConfidence(a.Confidence), Flows: []muster.NetworkFlow{},
	}
	if a.Left > 0 {
		out.PairsLeftOut = new(int64(a.Left))
	}
	for i := range a.Flows {
		out.Flows = append(out.Flows, wireFlow(&a.Flows[i]))
	}
	if len(out.Flows) > 0 {
		out.Flows[0].Assumed = append(out.Flows[0].Assumed, toldOf(list)...)
	}
	return out, nil
}

// refusal is what is wrong with a question.
func refusal(err error) error {
	if unknown, ok := errors.AsType[*network.UnknownError](err); ok {
		return &muster.ResourceNotFoundException{Message: unknown.Error()}
	}
	return invalid("%v", err)
}

// ListNetworkConnections maps who can begin flows to whom, in a VPC, a subnet,
// an account or everything that the caller sees.
func (s *Service) ListNetworkConnections(ctx context.Context, call *awsmodel.Call, in *muster.ListNetworkConnectionsInput) (*muster.ListNetworkConnectionsOutput, error) {
	const op = "ListNetworkConnections"
	within := ""
	if in.Within != nil {
		within = *in.Within
	}
	cursor, err := desk.After(s.config.Pages, call, op, within, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit, from := usualConnections, 0
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	if cursor != "" {
		if from, err = strconv.Atoi(cursor); err != nil {
			return nil, invalid("The nextToken is not valid for this request.")
		}
	}
	v, _, err := s.visible(ctx, call)
	if err != nil {
		return nil, err
	}
	list, err := v.connections(within)
	if err != nil {
		return nil, refusal(err)
	}
	out := &muster.ListNetworkConnectionsOutput{Connections: []muster.NetworkConnection{}}
	for i := min(from, len(list)); i < min(from+limit, len(list)); i++ {
		out.Connections = append(out.Connections, wireConnection(&list[i]))
	}
	if from+limit < len(list) {
		out.NextToken = new(s.config.Pages.Seal(call, op, within, []byte(strconv.Itoa(from+limit))))
	}
	return out, nil
}
