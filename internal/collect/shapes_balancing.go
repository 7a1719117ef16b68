package collect

type (
	classicBalancer struct {
		LoadBalancerName string   `xml:"LoadBalancerName" json:"LoadBalancerName,omitempty"`
		Scheme           string   `xml:"Scheme" json:"Scheme,omitempty"`
		VPCID            string   `xml:"VPCId" json:"VPCId,omitempty"`
		Subnets          []string `xml:"Subnets>member" json:"Subnets,omitempty"`
		SecurityGroups   []string `xml:"SecurityGroups>member" json:"SecurityGroups,omitempty"`
		Instances        []struct {
			InstanceID string `xml:"InstanceId" json:"InstanceId,omitempty"`
		} `xml:"Instances>member" json:"Instances,omitempty"`
		HealthCheck *struct {
			Target string `xml:"Target" json:"Target,omitempty"`
		} `xml:"HealthCheck" json:"HealthCheck,omitempty"`
		ListenerDescriptions []struct {
			Listener *struct {
				Protocol         string `xml:"Protocol" json:"Protocol,omitempty"`
				LoadBalancerPort *int   `xml:"LoadBalancerPort" json:"LoadBalancerPort,omitempty"`
				InstanceProtocol string `xml:"InstanceProtocol" json:"InstanceProtocol,omitempty"`
				InstancePort     *int   `xml:"InstancePort" json:"InstancePort,omitempty"`
			} `xml:"Listener" json:"Listener,omitempty"`
		} `xml:"ListenerDescriptions>member" json:"ListenerDescriptions,omitempty"`
	}

	balancer struct {
		LoadBalancerARN  string `xml:"LoadBalancerArn" json:"LoadBalancerArn,omitempty"`
		LoadBalancerName string `xml:"LoadBalancerName" json:"LoadBalancerName,omitempty"`
		Type             string `xml:"Type" json:"Type,omitempty"`
		Scheme           string `xml:"Scheme" json:"Scheme,omitempty"`
		VPCID            string `xml:"VpcId" json:"VpcId,omitempty"`
		State            *struct {
			Code string `xml:"Code" json:"Code,omitempty"`
		} `xml:"State" json:"State,omitempty"`
		AvailabilityZones []struct {
			ZoneName string `xml:"ZoneName" json:"ZoneName,omitempty"`
			SubnetID string `xml:"SubnetId" json:"SubnetId,omitempty"`
		} `xml:"AvailabilityZones>member" json:"AvailabilityZones,omitempty"`
		SecurityGroups []string `xml:"SecurityGroups>member" json:"SecurityGroups,omitempty"`
	}

	listener struct {
		ListenerARN     string   `xml:"ListenerArn" json:"ListenerArn,omitempty"`
		LoadBalancerARN string   `xml:"LoadBalancerArn" json:"LoadBalancerArn,omitempty"`
		Port            *int     `xml:"Port" json:"Port,omitempty"`
		Protocol        string   `xml:"Protocol" json:"Protocol,omitempty"`
		DefaultActions  []action `xml:"DefaultActions>member" json:"DefaultActions,omitempty"`
	}

	listenerRule struct {
		RuleARN string   `xml:"RuleArn" json:"RuleArn,omitempty"`
		Actions []action `xml:"Actions>member" json:"Actions,omitempty"`
	}

	action struct {
		TargetGroupARN string `xml:"TargetGroupArn" json:"TargetGroupArn,omitempty"`
		ForwardConfig  *struct {
			TargetGroups []struct {
				TargetGroupARN string `xml:"TargetGroupArn" json:"TargetGroupArn,omitempty"`
			} `xml:"TargetGroups>member" json:"TargetGroups,omitempty"`
		} `xml:"ForwardConfig" json:"ForwardConfig,omitempty"`
	}

	targetGroup struct {
		TargetGroupARN  string `xml:"TargetGroupArn" json:"TargetGroupArn,omitempty"`
		TargetGroupName string `xml:"TargetGroupName" json:"TargetGroupName,omitempty"`
		Protocol        string `xml:"Protocol" json:"Protocol,omitempty"`
		Port            *int   `xml:"Port" json:"Port,omitempty"`
		VPCID           string `xml:"VpcId" json:"VpcId,omitempty"`
		TargetType      string `xml:"TargetType" json:"TargetType,omitempty"`
		HealthCheckPort string `xml:"HealthCheckPort" json:"HealthCheckPort,omitempty"`
	}

	targetHealth struct {
		Target *struct {
			ID               string `xml:"Id" json:"Id,omitempty"`
			Port             *int   `xml:"Port" json:"Port,omitempty"`
			AvailabilityZone string `xml:"AvailabilityZone" json:"AvailabilityZone,omitempty"`
		} `xml:"Target" json:"Target,omitempty"`
	}

	attribute struct {
		Key   string `xml:"Key" json:"Key"`
		Value string `xml:"Value" json:"Value"`
	}
)
