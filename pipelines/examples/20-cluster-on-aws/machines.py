"""The machines of the cluster, and what each does when it starts for the first time."""

NAMES = ["control", "node-1", "node-2"]
# The API, the kubelet, and what pods publish; from where.
PORTS = [(6443, "0.0.0.0/0"), (10250, "172.31.0.0/16"), (30080, "0.0.0.0/0")]
VERSION = "v1.33"

INSTALL = f"""\
#!/bin/bash
set -euo pipefail
hostnamectl set-hostname NAME
swapoff -a
modprobe br_netfilter
sysctl -w net.ipv4.ip_forward=1
apt-get update -q
apt-get install -y -q containerd curl gpg
mkdir -p /etc/apt/keyrings
curl -fsSL https://pkgs.k8s.io/core:/stable:/{VERSION}/deb/Release.key | gpg --dearmor -o /etc/apt/keyrings/kubernetes.gpg
echo 'deb [signed-by=/etc/apt/keyrings/kubernetes.gpg] https://pkgs.k8s.io/core:/stable:/{VERSION}/deb/ /' >/etc/apt/sources.list.d/kubernetes.list
apt-get update -q
apt-get install -y -q kubelet kubeadm kubectl
"""


def user_data(name, first, token):
    """The script of a machine's first start; `first` is the control plane's address."""
    begin = INSTALL.replace("NAME", name)
    if name == NAMES[0]:
        return begin + f"kubeadm init --token {token} --pod-network-cidr 10.244.0.0/16\n"
    # Its key is not known before it has started: within the security group, the token has to do.
    join = f"kubeadm join {first}:6443 --token {token} --discovery-token-unsafe-skip-ca-verification"
    # The control plane may still be starting.
    return begin + f"until {join}; do sleep 10; done\n"
