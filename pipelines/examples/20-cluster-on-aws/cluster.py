"""Three machines for Kubernetes: cluster.py plan | apply PLAN | check"""

import hashlib
import os
import sys

import boto3

from machines import NAMES, PORTS, user_data

CLUSTER = "acme"
IMAGE = os.environ.get("MACHINE_IMAGE", "ami-0123456789abcdef0")
TYPE = os.environ.get("MACHINE_TYPE", "t3.medium")


def there(ec2):
    """What the account has of this cluster: the group's id, and the machines by name."""
    mine = [{"Name": "tag:cluster", "Values": [CLUSTER]}]
    groups = ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
    alive = {"Name": "instance-state-name", "Values": ["pending", "running"]}
    found = ec2.describe_instances(Filters=[*mine, alive])["Reservations"]
    machines = {}
    for machine in (machine for reservation in found for machine in reservation["Instances"]):
        tags = {tag["Key"]: tag["Value"] for tag in machine["Tags"]}
        machines[tags["Name"]] = machine
    return (groups[0]["GroupId"] if groups else None), machines


def wanted(group, machines):
    """The lines of the plan."""
    lines = []
    if group is None:
        ports = ", ".join(f"{port} from {source}" for port, source in PORTS)
        lines.append(f"+ security group {CLUSTER}: {ports}")
    lines += [f"+ machine {name}: {TYPE}, {IMAGE}" for name in NAMES if name not in machines]
    return lines or ["nothing to do"]


def sealed(lines):
    """The plan as it is printed: its last line is by what `apply` knows it again."""
    text = "\n".join(lines)
    return f"{text}\nplan {hashlib.sha256(text.encode()).hexdigest()[:12]}\n"


def make_group(ec2):
    tags = [{"Key": "cluster", "Value": CLUSTER}]
    made = ec2.create_security_group(
        GroupName=CLUSTER,
        Description="Kubernetes: the API for everybody, all else among the machines",
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )
    for port, source in PORTS:
        allowed = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
        allowed["IpRanges"] = [{"CidrIp": source}]
        ec2.authorize_security_group_ingress(GroupId=made["GroupId"], IpPermissions=[allowed])
    print(f"made the security group {made['GroupId']}")
    return made["GroupId"]


def make_machine(ec2, name, group, first):
    tags = [{"Key": "cluster", "Value": CLUSTER}, {"Key": "Name", "Value": name}]
    made = ec2.run_instances(
        ImageId=IMAGE,
        InstanceType=TYPE,
        MinCount=1,
        MaxCount=1,
        SecurityGroupIds=[group],
        UserData=user_data(name, first, os.environ["JOIN_TOKEN"]),
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
    )["Instances"][0]
    print(f"made the machine {name}: {made['InstanceId']} at {made['PrivateIpAddress']}")
    return made


def apply(ec2, plan):
    group, machines = there(ec2)
    with open(plan, encoding="utf-8") as file:
        if file.read() != sealed(wanted(group, machines)):
            sys.exit("the account is not what it was when the plan was made: plan again")
    group = group or make_group(ec2)
    for name in NAMES:
        if name not in machines:
            first = machines.get(NAMES[0], {}).get("PrivateIpAddress")
            machines[name] = make_machine(ec2, name, group, first)


def check(ec2):
    group, machines = there(ec2)
    for name, machine in sorted(machines.items()):
        print(f"{name}: {machine['State']['Name']}, {machine['PrivateIpAddress']}")
    if group is None or sorted(machines) != sorted(NAMES):
        sys.exit(f"wanted are {', '.join(NAMES)}")
    print(f"{len(machines)} machines run")


def main(what, *rest):
    ec2 = boto3.client("ec2")
    if what == "plan":
        print(sealed(wanted(*there(ec2))), end="")
    else:
        {"apply": apply, "check": check}[what](ec2, *rest)


if __name__ == "__main__":
    main(*sys.argv[1:])
