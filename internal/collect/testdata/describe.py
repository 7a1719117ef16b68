"""Writes what boto3 reads of a server's describe answers, as the command line
would print them: describe.py URL FOLDER."""
import datetime, json, sys
import boto3

url, folder = sys.argv[1:]
names = {"elb": "Classic"}


def client(service):
    return boto3.client(service, endpoint_url=url)


def write(name, value):
    value.pop("ResponseMetadata", None)
    with open(f"{folder}/{name}.json", "w") as f:
        json.dump(value, f, default=lambda t: t.isoformat() if isinstance(t, datetime.datetime) else str(t))


def describe(c, operation, name=None, **params):
    answer = getattr(c, operation)(**params)
    write(name or operation, answer)
    return answer


ec2, elb, elbv2, dx = client("ec2"), client("elb"), client("elbv2"), client("directconnect")
for what in ("vpcs", "subnets", "instances", "network_interfaces", "addresses", "route_tables", "network_acls", "security_groups",
             "internet_gateways", "egress_only_internet_gateways", "vpn_gateways", "nat_gateways", "vpn_connections", "vpc_peering_connections",
             "vpc_endpoints", "transit_gateways", "transit_gateway_attachments", "transit_gateway_vpc_attachments",
             "transit_gateway_peering_attachments"):
    describe(ec2, "describe_" + what)
for l in describe(ec2, "describe_managed_prefix_lists")["PrefixLists"]:
    describe(ec2, "get_managed_prefix_list_entries", "entries-" + l["PrefixListId"], PrefixListId=l["PrefixListId"])
for t in describe(ec2, "describe_transit_gateway_route_tables")["TransitGatewayRouteTables"]:
    t = t["TransitGatewayRouteTableId"]
    describe(ec2, "search_transit_gateway_routes", "routes-" + t, TransitGatewayRouteTableId=t, Filters=[{"Name": "state", "Values": ["active"]}])
    describe(ec2, "get_transit_gateway_route_table_propagations", "propagations-" + t, TransitGatewayRouteTableId=t)
for b in describe(elb, "describe_load_balancers", "classic")["LoadBalancerDescriptions"]:
    a = elb.describe_load_balancer_attributes(LoadBalancerName=b["LoadBalancerName"])["LoadBalancerAttributes"]
    write("classic-attributes-" + b["LoadBalancerName"], {"LoadBalancerAttributes": [{"LoadBalancerName": b["LoadBalancerName"], "Attributes": [
        {"Key": "load_balancing.cross_zone.enabled", "Value": str(a["CrossZoneLoadBalancing"]["Enabled"]).lower()}]}]})
for n, b in enumerate(describe(elbv2, "describe_load_balancers")["LoadBalancers"]):
    a = describe(elbv2, "describe_load_balancer_attributes", f"attributes-{n}", LoadBalancerArn=b["LoadBalancerArn"])
    write(f"attributes-{n}", {"LoadBalancerArn": b["LoadBalancerArn"], **a})
    for m, l in enumerate(describe(elbv2, "describe_listeners", f"listeners-{n}", LoadBalancerArn=b["LoadBalancerArn"])["Listeners"]):
        if b["Type"] == "application":
            describe(elbv2, "describe_rules", f"rules-{n}-{m}", ListenerArn=l["ListenerArn"])
for n, g in enumerate(describe(elbv2, "describe_target_groups")["TargetGroups"]):
    for what in ("health", "group_attributes"):
        a = describe(elbv2, "describe_target_" + what, f"target-{what}-{n}", TargetGroupArn=g["TargetGroupArn"])
        write(f"target-{what}-{n}", {"TargetGroupArn": g["TargetGroupArn"], **a})
describe(dx, "describe_virtual_interfaces")
for n, g in enumerate(describe(dx, "describe_direct_connect_gateways")["directConnectGateways"]):
    describe(dx, "describe_direct_connect_gateway_associations", f"associations-{n}", directConnectGatewayId=g["directConnectGatewayId"])
