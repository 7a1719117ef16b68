package topology

import "muster/internal/network/space"

// internetSources is the public address space (6.4): everything but private,
// shared, loopback, link-local, multicast, documentation and reserved ranges;
// of IPv6 the global unicast addresses.
func internetSources() space.Set {
	return space.Parse("0.0.0.0/0", "2000::/3").Minus(space.Parse(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24",
		"192.168.0.0/16", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001:db8::/32"))
}

// neverSources are reserved for what EC2 serves inside each VPC.
func neverSources() space.Set { return space.Parse("169.254.0.0/16", "fd00:ec2::/32") }

// linkServices are the addresses of EC2's own services, which no rule can
// block: resolver, metadata, time, licences, task metadata.
func linkServices() space.Set {
	return space.Parse("169.254.169.253", "169.254.169.254", "169.254.169.123", "169.254.169.250", "169.254.169.251",
		"169.254.170.2", "fd00:ec2::253", "fd00:ec2::254", "fd00:ec2::123", "fd00:ec2::250", "fd00:ec2::240")
}
