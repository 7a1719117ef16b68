package facts

import (
	"fmt"
	"strconv"
	"strings"

	"muster/internal/arn"
)

// The shapes of Elastic Load Balancing's describe answers.
type (
	wireBalancer struct {
		LoadBalancerArn, LoadBalancerName, Type, Scheme, VpcID string
		SecurityGroups                                         []string
		AvailabilityZones                                      []struct{ SubnetID string }
		State                                                  struct{ Code string }
	}
	wireClassic struct {
		LoadBalancerName, Scheme, VPCID string
		Subnets, SecurityGroups         []string
		Instances                       []struct{ InstanceID string }
		HealthCheck                     struct{ Target string }
		ListenerDescriptions            []struct {
			Listener struct {
				Protocol, InstanceProtocol     string
				LoadBalancerPort, InstancePort uint16
			}
		}
	}
	wireListener struct {
		LoadBalancerArn, ListenerArn, RuleArn, Protocol string
		Port                                            uint16
		DefaultActions, Actions                         []wireAction
		// Listeners is the form with the listeners of one balancer together.
		Listeners []wireListener
	}
	wireAction struct {
		TargetGroupArn string
		ForwardConfig  struct {
			TargetGroups []struct{ TargetGroupArn string }
		}
	}
	wireTargetGroup struct {
		TargetGroupArn, TargetGroupName, Protocol, TargetType, VpcID, HealthCheckPort string
		Port                                                                          uint16
	}
	wireHealth struct {
		TargetGroupArn           string
		TargetHealthDescriptions []struct {
			Target struct {
				ID, AvailabilityZone string
				Port                 uint16
			}
			TargetHealth struct{ State string }
		}
	}
	wireAttributes struct {
		LoadBalancerArn, LoadBalancerName, TargetGroupArn string
		Attributes                                        []struct{ Key, Value string }
	}
)

func (b *builder) balancer(w *wireBalancer, p place) error {
	if !in(w.State.Code, "", "active", "active_impaired", "provisioning") {
		return nil
	}
	l := LoadBalancer{
		ID: ID(w.LoadBalancerArn), Scope: p.ofARN(w.LoadBalancerArn), Name: w.LoadBalancerName, Kind: w.Type,
		InternetFacing: w.Scheme == "internet-facing", VPC: ID(w.VpcID), Groups: ids(w.SecurityGroups...),
	}
	for _, z := range w.AvailabilityZones {
		l.Subnets = append(l.Subnets, ids(z.SubnetID)...)
	}
	b.LoadBalancers = append(b.LoadBalancers, l)
	return nil
}

// ofARN is the scope that an ARN names.
func (p place) ofARN(text string) Scope {
	if a, err := arn.Parse(arn.ARN(text)); err == nil {
		return Scope{a.Account, a.Region}
	}
	return p.Scope
}

// classic turns a classic load balancer into one with a target group per
// listener, so that analysis sees one kind of thing.
func (b *builder) classic(w *wireClassic, p place) error {
	l := LoadBalancer{
		ID: classicID(w.LoadBalancerName, p.Scope), Scope: p.Scope, Name: w.LoadBalancerName, Kind: "classic",
		InternetFacing: w.Scheme == "internet-facing", VPC: ID(w.VPCID), Subnets: ids(w.Subnets...), Groups: ids(w.SecurityGroups...),
	}
	_, health, _ := strings.Cut(w.HealthCheck.Target, ":")
	health, _, _ = strings.Cut(health, "/")
	for _, d := range w.ListenerDescriptions {
		port := strconv.Itoa(int(d.Listener.InstancePort))
		t := TargetGroup{
			ID: l.ID + ID(":"+strconv.Itoa(int(d.Listener.LoadBalancerPort))), Scope: p.Scope, Name: w.LoadBalancerName + ":" + port,
			VPC: l.VPC, Kind: "instance", Protocol: "TCP", Port: d.Listener.InstancePort, HealthPort: health,
		}
		for _, i := range w.Instances {
			t.Targets = append(t.Targets, Target{ID: i.InstanceID, Port: d.Listener.InstancePort})
		}
		b.TargetGroups = append(b.TargetGroups, t)
		l.Listeners = append(l.Listeners, Listener{Protocol: "TCP", Port: d.Listener.LoadBalancerPort, TargetGroups: []ID{t.ID}})
	}
	b.LoadBalancers = append(b.LoadBalancers, l)
	return nil
}

// classicID is the ARN of a classic load balancer, which EC2 does not tell: its
// name is unique in one account and Region only. Where those are not known, it
// is the name.
func classicID(name string, s Scope) ID {
	if s.Account == "" || s.Region == "" {
		return ID(name)
	}
	return ID(arn.New("elasticloadbalancing", s.Region, s.Account, "loadbalancer/"+name))
}

func (b *builder) listener(w *wireListener, p place) error {
	if len(w.Listeners) > 0 {
		for i := range w.Listeners {
			if err := b.listener(&w.Listeners[i], p); err != nil {
				return fmt.Errorf("Listeners[%d]: %w", i, err)
			}
		}
		return nil
	}
	b.listeners = append(b.listeners, *w)
	return nil
}

// groups are the target groups of a listener's or rule's actions.
func (w *wireListener) groups() []ID {
	var out []ID
	for _, a := range append(w.DefaultActions, w.Actions...) {
		out = append(out, ids(a.TargetGroupArn)...)
		for _, t := range a.ForwardConfig.TargetGroups {
			out = append(out, ids(t.TargetGroupArn)...)
		}
	}
	return out
}

// listenerOfRule derives the listener's ARN from that of one of its rules.
func listenerOfRule(rule string) string {
	at := strings.LastIndexByte(rule, '/')
	if at < 0 {
		return ""
	}
	return strings.Replace(rule[:at], ":listener-rule/", ":listener/", 1)
}

func (b *builder) targetGroup(w *wireTargetGroup, p place) error {
	kind := w.TargetType
	if kind == "" {
		kind = "instance"
	}
	b.TargetGroups = append(b.TargetGroups, TargetGroup{
		ID: ID(w.TargetGroupArn), Scope: p.ofARN(w.TargetGroupArn), Name: w.TargetGroupName, VPC: ID(w.VpcID),
		Kind: kind, Protocol: w.Protocol, Port: w.Port, HealthPort: w.HealthCheckPort,
	})
	return nil
}

func (b *builder) health(w *wireHealth, _ place) error {
	b.healths = append(b.healths, *w)
	return nil
}

func (b *builder) attributes(w *wireAttributes, p place) error {
	if w.LoadBalancerArn == "" && w.LoadBalancerName != "" {
		w.LoadBalancerArn = string(classicID(w.LoadBalancerName, p.Scope))
	}
	b.attributeSets = append(b.attributeSets, *w)
	return nil
}
