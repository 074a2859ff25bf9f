import unittest

from machines import NAMES, user_data

TOKEN = "abcdef.0123456789abcdef"


class UserData(unittest.TestCase):
    def test_the_first_machine_makes_the_cluster(self):
        script = user_data(NAMES[0], None, TOKEN)
        self.assertIn("kubeadm init", script)
        self.assertNotIn("kubeadm join", script)

    def test_the_others_join_it_at_its_address(self):
        for name in NAMES[1:]:
            script = user_data(name, "172.31.0.4", TOKEN)
            self.assertIn(f"kubeadm join 172.31.0.4:6443 --token {TOKEN}", script)
            self.assertIn(f"set-hostname {name}\n", script)
            self.assertNotIn("kubeadm init", script)


if __name__ == "__main__":
    unittest.main()
