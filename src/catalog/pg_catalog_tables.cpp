// SPDX-License-Identifier: Apache-2.0
#include "catalog/system_columns.hpp"

namespace tickstone::catalog {

// The tables of pg_catalog, as in PostgreSQL 15.
// A line: name, kind (r table, v view), PostgreSQL's OID where it is fixed, columns with their types.
const std::string_view kPgCatalogTables = R"(
pg_aggregate r 2600: aggfnoid regproc, aggkind char, aggnumdirectargs int2, aggtransfn regproc, aggfinalfn
  regproc, aggcombinefn regproc, aggserialfn regproc, aggdeserialfn regproc, aggmtransfn regproc,
  aggminvtransfn regproc, aggmfinalfn regproc, aggfinalextra bool, aggmfinalextra bool, aggfinalmodify char,
  aggmfinalmodify char, aggsortop oid, aggtranstype oid, aggtransspace int4, aggmtranstype oid,
  aggmtransspace int4, agginitval text, aggminitval text
pg_am r 2601: oid oid, amname name, amhandler regproc, amtype char
pg_amop r 2602: oid oid, amopfamily oid, amoplefttype oid, amoprighttype oid, amopstrategy int2, amoppurpose
  char, amopopr oid, amopmethod oid, amopsortfamily oid
pg_amproc r 2603: oid oid, amprocfamily oid, amproclefttype oid, amprocrighttype oid, amprocnum int2, amproc
  regproc
pg_attrdef r 2604: oid oid, adrelid oid, adnum int2, adbin pg_node_tree
pg_attribute r 1249: attrelid oid, attname name, atttypid oid, attstattarget int4, attlen int2, attnum int2,
  attndims int4, attcacheoff int4, atttypmod int4, attbyval bool, attalign char, attstorage char,
  attcompression char, attnotnull bool, atthasdef bool, atthasmissing bool, attidentity char, attgenerated
  char, attisdropped bool, attislocal bool, attinhcount int4, attcollation oid, attacl aclitem[], attoptions
  text[], attfdwoptions text[], attmissingval anyarray
pg_auth_members r 1261: roleid oid, member oid, grantor oid, admin_option bool
pg_authid r 1260: oid oid, rolname name, rolsuper bool, rolinherit bool, rolcreaterole bool, rolcreatedb
  bool, rolcanlogin bool, rolreplication bool, rolbypassrls bool, rolconnlimit int4, rolpassword text,
  rolvaliduntil timestamptz
pg_cast r 2605: oid oid, castsource oid, casttarget oid, castfunc oid, castcontext char, castmethod char
pg_class r 1259: oid oid, relname name, relnamespace oid, reltype oid, reloftype oid, relowner oid, relam
  oid, relfilenode oid, reltablespace oid, relpages int4, reltuples float4, relallvisible int4,
  reltoastrelid oid, relhasindex bool, relisshared bool, relpersistence char, relkind char, relnatts int2,
  relchecks int2, relhasrules bool, relhastriggers bool, relhassubclass bool, relrowsecurity bool,
  relforcerowsecurity bool, relispopulated bool, relreplident char, relispartition bool, relrewrite oid,
  relfrozenxid xid, relminmxid xid, relacl aclitem[], reloptions text[], relpartbound pg_node_tree
pg_collation r 3456: oid oid, collname name, collnamespace oid, collowner oid, collprovider char,
  collisdeterministic bool, collencoding int4, collcollate text, collctype text, colliculocale text,
  collversion text
pg_constraint r 2606: oid oid, conname name, connamespace oid, contype char, condeferrable bool, condeferred
  bool, convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid oid, confrelid oid,
  confupdtype char, confdeltype char, confmatchtype char, conislocal bool, coninhcount int4, connoinherit
  bool, conkey int2[], confkey int2[], conpfeqop oid[], conppeqop oid[], conffeqop oid[], confdelsetcols
  int2[], conexclop oid[], conbin pg_node_tree
pg_conversion r 2607: oid oid, conname name, connamespace oid, conowner oid, conforencoding int4,
  contoencoding int4, conproc regproc, condefault bool
pg_database r 1262: oid oid, datname name, datdba oid, encoding int4, datlocprovider char, datistemplate
  bool, datallowconn bool, datconnlimit int4, datfrozenxid xid, datminmxid xid, dattablespace oid,
  datcollate text, datctype text, daticulocale text, datcollversion text, datacl aclitem[]
pg_db_role_setting r 2964: setdatabase oid, setrole oid, setconfig text[]
pg_default_acl r 826: oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype char, defaclacl aclitem[]
pg_depend r 2608: classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, refobjsubid int4,
  deptype char
pg_description r 2609: objoid oid, classoid oid, objsubid int4, description text
pg_enum r 3501: oid oid, enumtypid oid, enumsortorder float4, enumlabel name
pg_event_trigger r 3466: oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled char,
  evttags text[]
pg_extension r 3079: oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, extversion
  text, extconfig oid[], extcondition text[]
pg_foreign_data_wrapper r 2328: oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid,
  fdwacl aclitem[], fdwoptions text[]
pg_foreign_server r 1417: oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text,
  srvacl aclitem[], srvoptions text[]
pg_foreign_table r 3118: ftrelid oid, ftserver oid, ftoptions text[]
pg_index r 2610: indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool,
  indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, indimmediate bool, indisclustered bool,
  indisvalid bool, indcheckxmin bool, indisready bool, indislive bool, indisreplident bool, indkey
  int2vector, indcollation oidvector, indclass oidvector, indoption int2vector, indexprs pg_node_tree,
  indpred pg_node_tree
pg_inherits r 2611: inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool
pg_init_privs r 3394: objoid oid, classoid oid, objsubid int4, privtype char, initprivs aclitem[]
pg_language r 2612: oid oid, lanname name, lanowner oid, lanispl bool, lanpltrusted bool, lanplcallfoid oid,
  laninline oid, lanvalidator oid, lanacl aclitem[]
pg_largeobject r 2613: loid oid, pageno int4, data bytea
pg_largeobject_metadata r 2995: oid oid, lomowner oid, lomacl aclitem[]
pg_namespace r 2615: oid oid, nspname name, nspowner oid, nspacl aclitem[]
pg_opclass r 2616: oid oid, opcmethod oid, opcname name, opcnamespace oid, opcowner oid, opcfamily oid,
  opcintype oid, opcdefault bool, opckeytype oid
pg_operator r 2617: oid oid, oprname name, oprnamespace oid, oprowner oid, oprkind char, oprcanmerge bool,
  oprcanhash bool, oprleft oid, oprright oid, oprresult oid, oprcom oid, oprnegate oid, oprcode regproc,
  oprrest regproc, oprjoin regproc
pg_opfamily r 2753: oid oid, opfmethod oid, opfname name, opfnamespace oid, opfowner oid
pg_parameter_acl r 6243: oid oid, parname text, paracl aclitem[]
pg_partitioned_table r 3350: partrelid oid, partstrat char, partnatts int2, partdefid oid, partattrs
  int2vector, partclass oidvector, partcollation oidvector, partexprs pg_node_tree
pg_policy r 3256: oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles oid[],
  polqual pg_node_tree, polwithcheck pg_node_tree
pg_proc r 1255: oid oid, proname name, pronamespace oid, proowner oid, prolang oid, procost float4, prorows
  float4, provariadic oid, prosupport regproc, prokind char, prosecdef bool, proleakproof bool, proisstrict
  bool, proretset bool, provolatile char, proparallel char, pronargs int2, pronargdefaults int2, prorettype
  oid, proargtypes oidvector, proallargtypes oid[], proargmodes char[], proargnames text[], proargdefaults
  pg_node_tree, protrftypes oid[], prosrc text, probin text, prosqlbody pg_node_tree, proconfig text[],
  proacl aclitem[]
pg_publication r 6104: oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, pubupdate
  bool, pubdelete bool, pubtruncate bool, pubviaroot bool
pg_publication_namespace r 6237: oid oid, pnpubid oid, pnnspid oid
pg_publication_rel r 6106: oid oid, prpubid oid, prrelid oid, prqual pg_node_tree, prattrs int2vector
pg_range r 3541: rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid,
  rngcanonical regproc, rngsubdiff regproc
pg_replication_origin r 6000: roident oid, roname text
pg_rewrite r 2618: oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool,
  ev_qual pg_node_tree, ev_action pg_node_tree
pg_seclabel r 3596: objoid oid, classoid oid, objsubid int4, provider text, label text
pg_sequence r 2224: seqrelid oid, seqtypid oid, seqstart int8, seqincrement int8, seqmax int8, seqmin int8,
  seqcache int8, seqcycle bool
pg_shdepend r 1214: dbid oid, classid oid, objid oid, objsubid int4, refclassid oid, refobjid oid, deptype
  char
pg_shdescription r 2396: objoid oid, classoid oid, description text
pg_shseclabel r 3592: objoid oid, classoid oid, provider text, label text
pg_statistic r 2619: starelid oid, staattnum int2, stainherit bool, stanullfrac float4, stawidth int4,
  stadistinct float4, stakind1 int2, stakind2 int2, stakind3 int2, stakind4 int2, stakind5 int2, staop1 oid,
  staop2 oid, staop3 oid, staop4 oid, staop5 oid, stacoll1 oid, stacoll2 oid, stacoll3 oid, stacoll4 oid,
  stacoll5 oid, stanumbers1 float4[], stanumbers2 float4[], stanumbers3 float4[], stanumbers4 float4[],
  stanumbers5 float4[], stavalues1 anyarray, stavalues2 anyarray, stavalues3 anyarray, stavalues4 anyarray,
  stavalues5 anyarray
pg_statistic_ext r 3381: oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxstattarget
  int4, stxkeys int2vector, stxkind char[], stxexprs pg_node_tree
pg_statistic_ext_data r 3429: stxoid oid, stxdinherit bool, stxdndistinct pg_ndistinct, stxddependencies
  pg_dependencies, stxdmcv pg_mcv_list, stxdexpr pg_statistic[]
pg_subscription r 6100: oid oid, subdbid oid, subskiplsn pg_lsn, subname name, subowner oid, subenabled
  bool, subbinary bool, substream bool, subtwophasestate char, subdisableonerr bool, subconninfo text,
  subslotname name, subsynccommit text, subpublications text[]
pg_subscription_rel r 6102: srsubid oid, srrelid oid, srsubstate char, srsublsn pg_lsn
pg_tablespace r 1213: oid oid, spcname name, spcowner oid, spcacl aclitem[], spcoptions text[]
pg_transform r 3576: oid oid, trftype oid, trflang oid, trffromsql regproc, trftosql regproc
pg_trigger r 2620: oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, tgenabled
  char, tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool,
  tginitdeferred bool, tgnargs int2, tgattr int2vector, tgargs bytea, tgqual pg_node_tree, tgoldtable name,
  tgnewtable name
pg_ts_config r 3602: oid oid, cfgname name, cfgnamespace oid, cfgowner oid, cfgparser oid
pg_ts_config_map r 3603: mapcfg oid, maptokentype int4, mapseqno int4, mapdict oid
pg_ts_dict r 3600: oid oid, dictname name, dictnamespace oid, dictowner oid, dicttemplate oid,
  dictinitoption text
pg_ts_parser r 3601: oid oid, prsname name, prsnamespace oid, prsstart regproc, prstoken regproc, prsend
  regproc, prsheadline regproc, prslextype regproc
pg_ts_template r 3764: oid oid, tmplname name, tmplnamespace oid, tmplinit regproc, tmpllexize regproc
pg_type r 1247: oid oid, typname name, typnamespace oid, typowner oid, typlen int2, typbyval bool, typtype
  char, typcategory char, typispreferred bool, typisdefined bool, typdelim char, typrelid oid, typsubscript
  regproc, typelem oid, typarray oid, typinput regproc, typoutput regproc, typreceive regproc, typsend
  regproc, typmodin regproc, typmodout regproc, typanalyze regproc, typalign char, typstorage char,
  typnotnull bool, typbasetype oid, typtypmod int4, typndims int4, typcollation oid, typdefaultbin
  pg_node_tree, typdefault text, typacl aclitem[]
pg_user_mapping r 1418: oid oid, umuser oid, umserver oid, umoptions text[]
)";

}  // namespace tickstone::catalog
