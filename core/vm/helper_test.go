package vm_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bpfhost/bpfhost/core/vm"
)

// wanted are the helpers that programs of public objects use, by family.
var wanted = map[string]string{
	"maps": "map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem map_lookup_percpu_elem for_each_map_elem redirect_map",
	"events": "ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query perf_event_output skb_output xdp_output trace_printk trace_vprintk " +
		"snprintf seq_printf seq_write",
	"time and chance": "ktime_get_ns ktime_get_boot_ns ktime_get_coarse_ns ktime_get_tai_ns jiffies64 get_prandom_u32",
	"who": "get_smp_processor_id get_numa_node_id get_current_pid_tgid get_current_uid_gid get_current_comm get_current_cgroup_id get_current_ancestor_cgroup_id " +
		"get_current_task get_current_task_btf get_ns_current_pid_tgid get_socket_cookie get_netns_cookie get_attach_cookie get_func_ip get_func_arg get_func_ret " +
		"get_func_arg_cnt get_stackid get_stack get_cgroup_classid get_hash_recalc",
	"memory": "probe_read probe_read_str probe_read_kernel probe_read_kernel_str probe_read_user probe_read_user_str copy_from_user strncmp strtol strtoul " +
		"per_cpu_ptr this_cpu_ptr",
	"packets": "skb_load_bytes skb_load_bytes_relative skb_store_bytes skb_pull_data skb_change_head skb_change_tail skb_change_proto skb_change_type skb_adjust_room " +
		"skb_vlan_push skb_vlan_pop l3_csum_replace l4_csum_replace csum_diff csum_update clone_redirect redirect redirect_peer redirect_neigh fib_lookup " +
		"xdp_adjust_head xdp_adjust_tail xdp_adjust_meta xdp_load_bytes xdp_store_bytes xdp_get_buff_len check_mtu",
	"sockets": "sk_lookup_tcp sk_lookup_udp skc_lookup_tcp sk_release sk_assign sk_fullsock tcp_sock get_listener_sock skc_to_tcp_sock sock_ops_cb_flags_set",
	"flow":    "tail_call loop timer_init timer_set_callback timer_start timer_cancel spin_lock spin_unlock",
	"storage": "sk_storage_get task_storage_get cgrp_storage_get inode_storage_get sk_storage_delete task_storage_delete cgrp_storage_delete inode_storage_delete",
	"dynptr":  "dynptr_from_mem ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_read dynptr_write dynptr_data",
}

// lacking are helpers among those that are not simulated, each with its reason.
var lacking = map[string]string{}

func TestHelpers(t *testing.T) {
	have := map[string]bool{}
	for _, h := range vm.Helpers() {
		have[strings.TrimPrefix(h.String(), "bpf_")] = true
	}
	var missing []string
	for family, names := range wanted {
		for _, name := range strings.Fields(names) {
			switch reason := lacking[name]; {
			case !have[name] && reason == "":
				missing = append(missing, family+": "+name)
			case have[name] && reason != "":
				t.Errorf("%s is simulated, %q is no reason", name, reason)
			}
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("not simulated:\n%s", strings.Join(missing, "\n"))
	}
}
